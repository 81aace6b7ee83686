-- One keyset page of the mentors whose present version the HLF portal has not taken over yet (H1).
-- Locks: none. Called by: the dispatcher, for the hlf_sync job. p_as_of is part of the shape that all
-- jobs' listings share; what is unsynced does not depend on a day.

create function public.list_unsynced_mentors(p_org_id uuid, p_as_of date, p_after uuid, p_limit integer)
returns table (mentor_id uuid)
language sql
stable
security definer
set search_path = ''
as $$
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
$$;
comment on function public.list_unsynced_mentors is
'Mentors that the portal does not know in their present version, in id order, after p_after.';
revoke execute on function public.list_unsynced_mentors from public, anon, authenticated;
grant execute on function public.list_unsynced_mentors to service_role, mentor_pause_job;
