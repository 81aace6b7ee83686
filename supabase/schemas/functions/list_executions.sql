-- The newest rows of the execution log, for people (O3). The HTTP entry sees no rows without an organisation.
-- Called by: the HTTP entry; the command line.
-- Errors: 42501 not_your_organisation, 22023 p_limit is out of bounds.

create or replace function public.list_executions(p_org_id uuid, p_limit integer)
returns setof public.scheduler_execution_log
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_limit(p_limit);
    select l.*
    from public.scheduler_execution_log as l
    where l.org_id = p_org_id or (l.org_id is null and private.caller() in ('job', 'service'))
    order by l.started_at desc, l.id desc
    limit p_limit
$$;
comment on function public.list_executions is 'The newest run requests and their results, newest first.';
revoke execute on function public.list_executions from public, anon, authenticated;
grant execute on function public.list_executions to service_role, mentor_pause_job, mentor_pause_api;
