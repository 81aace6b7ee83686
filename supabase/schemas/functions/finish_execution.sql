-- Closes a run's row of the execution log with its final status and counts (D4, E8). The first call wins; a
-- repeated call changes nothing and returns the row. A long p_error is cut, so that it cannot keep a run from
-- ending. The function adds the counts of the run's plan (G2, G3) and returns them. The role portal_sync, whose
-- Lambda talks to an external system, can close runs of hlf_sync only (D9).
-- Called by: the completion of a run.
-- Locks: the row.
-- Errors: PT404 no such run, 22023 the status is not final or a count is out of bounds, 42501
-- not_your_organisation.

create or replace function public.finish_execution(
    p_job_run_id uuid,
    p_status text,
    p_processed_count integer,
    p_paused_count integer,
    p_skipped_count integer,
    p_error_count integer,
    p_error text default null,
    p_synced_count integer default null,
    p_renewed_count integer default null,
    p_resumed_count integer default null
)
returns table (
    execution_id bigint,
    status text,
    started_at timestamptz,
    finished_at timestamptz,
    unforeseen_count integer,
    held_count integer,
    brake_acts boolean
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    if p_status is null or p_status not in ('completed', 'failed') then
        raise exception 'not a final status' using errcode = '22023',
            detail = 'p_status must be completed or failed';
    end if;
    perform private.assert_between(
        'a count',
        least(
            p_processed_count, p_paused_count, p_skipped_count, p_error_count, p_synced_count, p_renewed_count,
            p_resumed_count
        ),
        0, 2147483647
    );
    perform private.run_org(p_job_run_id);
    update public.scheduler_execution_log as l
    set
        status = p_status,
        finished_at = clock_timestamp(),
        processed_count = p_processed_count,
        paused_count = p_paused_count,
        skipped_count = p_skipped_count,
        error_count = p_error_count,
        error = left(p_error, 4000),
        synced_count = p_synced_count,
        renewed_count = p_renewed_count,
        resumed_count = p_resumed_count,
        unforeseen_count = (select p.unforeseen_count from public.plans as p where p.job_run_id = p_job_run_id),
        held_count = (select p.held_count from public.plans as p where p.job_run_id = p_job_run_id),
        plan_hash = coalesce(
            l.plan_hash, (select p.plan_hash from public.plans as p where p.job_run_id = coalesce(l.plan_of, l.job_run_id))
        )
    where
        l.job_run_id = p_job_run_id
        and l.status = 'running'
        and (private.caller() in ('job', 'service') or l.job_name = 'hlf_sync');
    return query
    select l.id, l.status, l.started_at, l.finished_at, l.unforeseen_count, l.held_count, p.brake_acts
    from public.scheduler_execution_log as l
    left join public.plans as p on p.job_run_id = l.job_run_id
    where l.job_run_id = p_job_run_id and l.status in ('completed', 'failed');
    if not found then
        raise exception 'run not found' using errcode = 'PT404', detail = 'the log has no row of this run';
    end if;
end
$$;
comment on function public.finish_execution is 'Closes the log row of a run once; the first call wins.';
revoke execute on function public.finish_execution from public, anon, authenticated;
grant execute on function public.finish_execution to service_role, mentor_pause_job, portal_sync;
