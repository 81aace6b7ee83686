-- How many mentors' certifications a sync run has renewed (E7, H1): from the data, so that a page that is
-- delivered again changes nothing.
-- Locks: none. Called by: whoever completes a sync run; the command line.

create function public.count_run_renewals(p_job_run_id uuid)
returns bigint
language sql
stable
security definer
set search_path = ''
as $$
    select count(distinct c.mentor_id) from public.certifications as c where c.job_run_id = p_job_run_id
$$;
comment on function public.count_run_renewals is 'How many mentors a run has found certified for longer.';
revoke execute on function public.count_run_renewals from public, anon, authenticated;
grant execute on function public.count_run_renewals to service_role, mentor_pause_job, portal_sync;
