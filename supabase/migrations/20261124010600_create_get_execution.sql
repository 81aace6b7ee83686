-- One run's row of the log, for whoever started it (O3). A run that never began, because it was refused, has
-- only the row that says so.
-- Locks: none. Called by: the HTTP entry.

create function public.get_execution(p_org_id uuid, p_job_run_id uuid)
returns setof public.scheduler_execution_log
language sql
stable
security definer
set search_path = ''
as $$
    select l.*
    from public.scheduler_execution_log as l
    where l.job_run_id = p_job_run_id and l.org_id = p_org_id
    order by l.status in ('running', 'completed', 'failed') desc, l.id desc
    limit 1
$$;
comment on function public.get_execution is
'The log row that tells a run''s story; that of a refusal if the run never began; nothing if it is unknown.';
revoke execute on function public.get_execution from public, anon, authenticated;
grant execute on function public.get_execution to service_role, mentor_pause_api;
