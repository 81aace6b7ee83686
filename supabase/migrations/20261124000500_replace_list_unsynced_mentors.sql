-- list_unsynced_mentors as it was (20261122001800); and where nobody is unsynced, the one mentor whom the
-- portal was told of longest ago, so that every run has a page: on a page the portal is read, too (H1).
-- Locks: none. Called by: the dispatcher, for the hlf_sync job. p_as_of is part of the shape that all
-- jobs' listings share; what is unsynced does not depend on a day.

create or replace function public.list_unsynced_mentors(p_org_id uuid, p_as_of date, p_after uuid, p_limit integer)
returns table (mentor_id uuid)
language sql
stable
security definer
set search_path = ''
as $$
    with unsynced as (
        select m.id
        from public.peer_mentors as m
        left join public.portal_sync_state as s on s.mentor_id = m.id
        where
            m.org_id = p_org_id
            and p_as_of is not null
            and m.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
            and s.synced_version is distinct from m.version
        order by m.id
        limit p_limit
    ),

    told_longest_ago as (
        select m.id
        from public.peer_mentors as m
        inner join public.portal_sync_state as s on s.mentor_id = m.id
        where
            m.org_id = p_org_id
            and p_as_of is not null
            and p_after is null
            and not exists (select from unsynced)
        order by s.synced_at, m.id
        limit least(p_limit, 1)
    )

    select u.id from unsynced as u
    union all
    select t.id from told_longest_ago as t
    order by 1
$$;
comment on function public.list_unsynced_mentors is
'Mentors that the portal does not know in their present version, in id order, after p_after; or one that it does.';
