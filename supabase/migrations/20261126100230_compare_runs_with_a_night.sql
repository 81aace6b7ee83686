-- get_run_coverage as it was (20261126000690), and held against one night (O1):
--
--   * the present moment is the later one of p_at, the caller's, and the database's own. A row that says it ended after
--     that was written by a clock that was ahead. It does not count before its time;
--   * a run by hand about a day before the one on which it started does not count: it repeats an earlier night;
--   * the hours are computed here and are never negative;
--   * night_error_count is what the best run about p_as_of, or a later day, left as errors.
--
-- A dry run and a redrive are not about everybody, so they cover nothing.
-- Locks: none. Called by: the monitor; workers that ask whether the database answers, without p_as_of and p_at.

drop function public.get_run_coverage(uuid, text);

create function public.get_run_coverage(
    p_org_id uuid, p_job_name text, p_as_of date default null, p_at timestamptz default null
)
returns table (
    last_finished_at timestamptz,
    last_as_of date,
    hours_since_completed_run double precision,
    night_error_count integer
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_short('p_job_name', p_job_name, 100);
    select private.assert_day('p_as_of', p_as_of);
    select private.assert_moment('p_at', p_at);
    with present as (
        select greatest(p_at, clock_timestamp()) as moment
    )

    select
        max(l.finished_at),
        max(l.as_of),
        extract(epoch from max(p.moment) - max(l.finished_at))::double precision / 3600,
        min(l.error_count) filter (where l.as_of >= p_as_of)
    from present as p
    cross join public.scheduler_execution_log as l
    inner join public.organisations as o on o.id = l.org_id
    where
        l.org_id = p_org_id
        and l.job_name = p_job_name
        and l.status = 'completed'
        and not l.dry_run
        and l.redrive_of is null
        and l.finished_at <= p.moment
        and (l.trigger <> 'manual' or l.as_of >= (l.started_at at time zone o.time_zone)::date)
$$;
comment on function public.get_run_coverage is
'When a job''s last complete run ended, the latest day of its runs, hours since, and errors about p_as_of; nulls without any.';
revoke execute on function public.get_run_coverage from public, anon, authenticated;
grant execute on function public.get_run_coverage to service_role, mentor_pause_job;
