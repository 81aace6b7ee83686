-- list_executions, get_execution, get_run_coverage and get_member_role as they were (20261122001900, 20261124010600,
-- 20261124010900, 20261124010500), confined to the organisations of the job role that asks (20261126000060) and with bounded
-- arguments. The HTTP entry sees no rows without an organisation.
-- Locks: none. Called by: the HTTP entry, the monitor, the command line.

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
comment on function public.list_executions is 'The newest attempts to run a job, newest first.';
revoke execute on function public.list_executions from public, anon, authenticated;
grant execute on function public.list_executions to service_role, mentor_pause_job, mentor_pause_api;

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
'The log row that tells a run''s story; the refusal''s row if the run never began; nothing if the run is unknown.';
revoke execute on function public.get_execution from public, anon, authenticated;
grant execute on function public.get_execution to service_role, mentor_pause_api;

create or replace function public.get_run_coverage(p_org_id uuid, p_job_name text)
returns table (last_finished_at timestamptz, last_as_of date)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_short('p_job_name', p_job_name, 100);
    select max(l.finished_at), max(l.as_of)
    from public.scheduler_execution_log as l
    where
        l.org_id = p_org_id
        and l.job_name = p_job_name
        and l.status = 'completed'
        and not l.dry_run
        and l.redrive_of is null
$$;
comment on function public.get_run_coverage is
'When a job''s last complete run ended, and the latest day that its runs were about; nulls without any.';
revoke execute on function public.get_run_coverage from public, anon, authenticated;
grant execute on function public.get_run_coverage to service_role, mentor_pause_job;

create or replace function public.get_member_role(p_org_id uuid, p_user_id uuid)
returns text
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select o.role from public.org_members as o where o.org_id = p_org_id and o.user_id = p_user_id
$$;
comment on function public.get_member_role is
'admin or coordinator; null: the user is not a member of the organisation.';
revoke execute on function public.get_member_role from public, anon, authenticated;
grant execute on function public.get_member_role to service_role, mentor_pause_api;
