-- One run's row of the log, for the caller who started it (O3). A run that the dispatcher refused never
-- began; then this is the row of the refusal.
-- Called by: the HTTP entry.
-- Errors: 42501 not_your_organisation.

create or replace function public.get_execution(p_org_id uuid, p_job_run_id uuid)
returns setof public.scheduler_execution_log
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select l.*
    from public.scheduler_execution_log as l
    where l.job_run_id = p_job_run_id and l.org_id = p_org_id
    order by l.status in ('running', 'completed', 'failed') desc, l.id desc
    limit 1
$$;
comment on function public.get_execution is
'The log row of a run; the row of the refusal if the run never began; no row if the run is unknown.';
revoke execute on function public.get_execution from public, anon, authenticated;
grant execute on function public.get_execution to service_role, mentor_pause_api;
