-- The monitoring query (O1): how many mentors are shown as available though their certification expired.
-- Locks: none. Called by: the command line, later the monitor. It does not look at runs or logs.

create function public.count_stale_active_mentors(p_org_id uuid, p_as_of date)
returns bigint
language sql
stable
security definer
set search_path = ''
as $$
    select count(*)
    from public.peer_mentors as m
    where
        m.org_id = p_org_id
        and m.status = 'active'
        and (select max(c.expires_on) from public.certifications as c where c.mentor_id = m.id) <= p_as_of
$$;
comment on function public.count_stale_active_mentors is
'Active mentors whose latest certification expired on or before p_as_of; zero when all is well.';
revoke execute on function public.count_stale_active_mentors from public, anon, authenticated;
grant execute on function public.count_stale_active_mentors to service_role, mentor_pause_job;
