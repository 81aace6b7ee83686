-- finish_execution as it was (20261122001500), with types that name their schema (see
-- private.caller), a null status refused, and every caller but jobs and services confined to hlf_sync.
-- Locks: the row. Called by: whoever completes the run. Errors: PT404 no such run, 22023 not final.

create or replace function public.finish_execution(
    p_job_run_id uuid,
    p_status text,
    p_processed_count integer,
    p_paused_count integer,
    p_skipped_count integer,
    p_error_count integer,
    p_error text default null
)
returns table (execution_id bigint, status text, started_at timestamptz, finished_at timestamptz)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
    if p_status is null or p_status not in ('completed', 'failed') then
        raise exception 'not a final status' using errcode = '22023',
            detail = 'p_status is completed or failed';
    end if;
    update public.scheduler_execution_log as l
    set
        status = p_status,
        finished_at = clock_timestamp(),
        processed_count = p_processed_count,
        paused_count = p_paused_count,
        skipped_count = p_skipped_count,
        error_count = p_error_count,
        error = p_error
    where
        l.job_run_id = p_job_run_id
        and l.status = 'running'
        and (private.caller() in ('job', 'service') or l.job_name = 'hlf_sync');
    return query
    select l.id, l.status, l.started_at, l.finished_at
    from public.scheduler_execution_log as l
    where l.job_run_id = p_job_run_id and l.status in ('completed', 'failed');
    if not found then
        raise exception 'run not found' using errcode = 'PT404', detail = 'no log row of this run';
    end if;
end
$$;
