-- The newest rows of the execution log, for people (O3).
-- Locks: none. Called by: the command line.

create function public.list_executions(p_org_id uuid, p_limit integer)
returns setof public.scheduler_execution_log
language sql
stable
security definer
set search_path = ''
as $$
    select l.*
    from public.scheduler_execution_log as l
    where l.org_id = p_org_id or l.org_id is null
    order by l.started_at desc, l.id desc
    limit p_limit
$$;
comment on function public.list_executions is 'The newest attempts to run a job, newest first.';
revoke execute on function public.list_executions from public, anon, authenticated;
grant execute on function public.list_executions to service_role, mentor_pause_job;
