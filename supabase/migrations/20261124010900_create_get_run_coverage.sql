-- How far a job's runs have come, from the log: when the last complete one ended, and the latest day that one
-- was about. A dry run and a redrive are not about everybody, so they cover nothing.
-- Locks: none. Called by: the monitor.

create function public.get_run_coverage(p_org_id uuid, p_job_name text)
returns table (last_finished_at timestamptz, last_as_of date)
language sql
stable
security definer
set search_path = ''
as $$
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
