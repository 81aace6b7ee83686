-- Says how recent a job's runs are (O1): when the last complete run ended, the latest day of those runs, the
-- hours since, and the errors about one night.
--
--   * private.complete_runs says which runs count.
--   * The present moment is the later of p_at, the caller's clock, and the database's own clock. A row with
--     a later end was written by a clock that was ahead; it does not count yet.
--   * The database computes the hours, so they are never negative.
--   * night_error_count is the smallest number of errors among the runs for p_as_of or a later day.
--
-- Called by: the monitor; workers that check whether the database answers, without p_as_of and p_at.
-- Errors: 42501 not_your_organisation, 22023 an argument is out of bounds.

create or replace function public.get_run_freshness(
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
    select private.assert_length('p_job_name', p_job_name, 100);
    select private.assert_date('p_as_of', p_as_of);
    select private.assert_timestamp('p_at', p_at);
    with present as (
        select greatest(p_at, clock_timestamp()) as moment
    )

    select
        max(l.finished_at),
        max(l.as_of),
        extract(epoch from max(p.moment) - max(l.finished_at))::double precision / 3600,
        min(l.error_count) filter (where l.as_of >= p_as_of)
    from present as p
    cross join lateral private.complete_runs(p_org_id, p_job_name, p.moment) as l
$$;
comment on function public.get_run_freshness is
'When a job''s last complete run ended, the latest day of its runs, the hours since, and the errors for p_as_of; nulls if no run counts.';
revoke execute on function public.get_run_freshness from public, anon, authenticated;
grant execute on function public.get_run_freshness to service_role, mentor_pause_job;
