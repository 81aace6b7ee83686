-- The runs of a job that have looked at all mentors of an organisation (O1): they ended well by p_moment, and are no dry runs,
-- redrives or releases. A manual run for a day before the one on which it started repeats an earlier night, and does not
-- count.
-- Called by: get_run_freshness, get_tonight.

create or replace function private.complete_runs(p_org_id uuid, p_job_name text, p_moment timestamptz)
returns table (
    id bigint, job_run_id uuid, as_of date, status text, started_at timestamptz, finished_at timestamptz, error_count integer
)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select l.id, l.job_run_id, l.as_of, l.status, l.started_at, l.finished_at, l.error_count
    from public.scheduler_execution_log as l
    inner join public.organisations as o on o.id = l.org_id
    where l.org_id = p_org_id and l.job_name = p_job_name and l.status = 'completed'
        and not l.dry_run and l.redrive_of is null and l.plan_of is null
        and l.finished_at <= p_moment
        and (l.trigger <> 'manual' or l.as_of >= (l.started_at at time zone o.time_zone)::date)
$$;
comment on function private.complete_runs is 'The runs of a job that have looked at all mentors of an organisation.';
revoke execute on function private.complete_runs from public, anon, authenticated;
