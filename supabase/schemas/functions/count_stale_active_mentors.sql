-- The monitoring query (O1): counts mentors who are shown as available although their certification has
-- expired. It does not look at runs or logs.
-- Called by: the monitor; the command line.
-- Errors: 42501 not_your_organisation, 22023 p_as_of is out of bounds.

create or replace function public.count_stale_active_mentors(p_org_id uuid, p_as_of date)
returns bigint
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_date('p_as_of', p_as_of);
    select count(*) from private.expired_mentors(p_org_id, p_as_of, null, null)
$$;
comment on function public.count_stale_active_mentors is
'Active mentors whose latest certification expired on or before p_as_of; zero when all is well.';
revoke execute on function public.count_stale_active_mentors from public, anon, authenticated;
grant execute on function public.count_stale_active_mentors to service_role, mentor_pause_job;
