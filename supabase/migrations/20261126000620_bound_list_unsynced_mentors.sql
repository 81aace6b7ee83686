-- list_unsynced_mentors as it was (20261124000500), confined to the organisations of the job role that asks (20261126000060) and with
-- bounded arguments (20261126000070).
-- Locks: none. Called by: the dispatcher, for the hlf_sync job.

create or replace function public.list_unsynced_mentors(p_org_id uuid, p_as_of date, p_after uuid, p_limit integer)
returns table (mentor_id uuid)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
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
        limit private.page_limit(p_org_id, p_as_of, p_limit)
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
revoke execute on function public.list_unsynced_mentors from public, anon, authenticated;
grant execute on function public.list_unsynced_mentors to service_role, mentor_pause_job;
