-- The runs that began long ago and have not ended, according to the log (E8). The monitor compares them with
-- the ledger. A run that the ledger does not know has no pages left, so only the monitor can end it.
-- Called by: the monitor, once an hour.
-- Errors: 22023 an argument is out of bounds, 42501 not_your_organisation.

create or replace function public.list_running_executions(p_org_id uuid, p_minutes integer, p_limit integer)
returns setof public.scheduler_execution_log
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_limit(p_limit);
    select private.assert_between('p_minutes', coalesce(p_minutes, 0), 1, 525600);
    select l.*
    from public.scheduler_execution_log as l
    where
        l.org_id = p_org_id
        and l.status = 'running'
        and l.started_at < clock_timestamp() - p_minutes * interval '1 minute'
    order by l.id
    limit p_limit
$$;
comment on function public.list_running_executions is 'The runs that began long ago and have not ended, oldest first.';
revoke execute on function public.list_running_executions from public, anon, authenticated;
grant execute on function public.list_running_executions to service_role, mentor_pause_job;
