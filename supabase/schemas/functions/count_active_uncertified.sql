-- Counts active mentors without any certification. The nightly job does not pause them, because they have no
-- day of expiry (E1). The monitor and the command line show how many there are.
-- Called by: the monitor, once an hour; the command line.
-- Both indexes have the mentors in id order, so merging them reads each once. A hash of all certifications would not
-- fit into work_mem, hence enable_hashjoin.
-- Errors: 42501 not_your_organisation.

create or replace function public.count_active_uncertified(p_org_id uuid)
returns bigint
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_hashjoin = 'off'
as $$
    select private.assert_job_org(p_org_id);
    select count(*)
    from public.peer_mentors as m
    where
        m.org_id = p_org_id
        and m.status = 'active'
        and not exists (select from public.certifications as c where c.mentor_id = m.id)
$$;
comment on function public.count_active_uncertified is 'How many active mentors have no certification.';
revoke execute on function public.count_active_uncertified from public, anon, authenticated;
grant execute on function public.count_active_uncertified to service_role, mentor_pause_job;
