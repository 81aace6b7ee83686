-- Counts the mentors whose certifications a sync run has renewed (E7, H1). It counts rows, so a page that is
-- delivered again does not change the result.
-- Called by: the completion of a sync run; the command line.
-- Errors: 42501 not_your_organisation.

create or replace function public.count_run_renewals(p_job_run_id uuid)
returns bigint
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.run_org(p_job_run_id);
    select count(distinct c.mentor_id) from public.certifications as c where c.job_run_id = p_job_run_id
$$;
comment on function public.count_run_renewals is 'How many mentors'' certifications a run has renewed.';
revoke execute on function public.count_run_renewals from public, anon, authenticated;
grant execute on function public.count_run_renewals to service_role, mentor_pause_job, portal_sync;
