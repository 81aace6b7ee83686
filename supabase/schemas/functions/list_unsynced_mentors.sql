-- One keyset page of the mentors whose present version the HLF portal does not have yet (H1). If all mentors
-- are synced, it returns the mentor who was synced longest ago, so that every run has a page: the worker also
-- reads the portal when it works on a page.
--
-- Two indexes have the mentors in id order with all columns that it compares, so merging them reads each up to the end
-- of the page. The planner expects few unsynced mentors and would hash all of them for each page, hence enable_hashjoin.
--
-- p_as_of is part of the signature that all jobs' listings share; the result does not depend on it.
-- Called by: the dispatcher, for the hlf_sync job.
-- Errors: 42501 not_your_organisation, 22023 an argument is out of bounds.

create or replace function public.list_unsynced_mentors(p_org_id uuid, p_as_of date, p_after uuid, p_limit integer)
returns table (mentor_id uuid)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_hashjoin = 'off'
as $$
    with unsynced as (
        select m.id
        from public.peer_mentors as m
        -- The bound is repeated: PostgreSQL does not conclude it, and would read the states of earlier pages.
        left join public.portal_sync_state as s
            on s.mentor_id = m.id and s.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        where
            m.org_id = p_org_id
            and p_as_of is not null
            and m.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
            and s.synced_version is distinct from m.version
        order by m.id
        limit private.page_limit(p_org_id, p_as_of, p_limit)
    ),

    synced_longest_ago as (
        select m.id
        from public.peer_mentors as m
        inner join public.portal_sync_state as s on s.mentor_id = m.id
        where
            m.org_id = p_org_id
            and p_as_of is not null
            and p_after is null
            and not exists (select from unsynced)
        order by s.synced_at, s.mentor_id
        limit least(p_limit, 1)
    )

    select u.id from unsynced as u
    union all
    select t.id from synced_longest_ago as t
    order by 1
$$;
comment on function public.list_unsynced_mentors is
'Mentors whose present version the portal does not have, in id order, after p_after; if there are none, one mentor.';
revoke execute on function public.list_unsynced_mentors from public, anon, authenticated;
grant execute on function public.list_unsynced_mentors to service_role, mentor_pause_job;
