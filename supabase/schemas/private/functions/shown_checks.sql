-- The rows of the execution log as a member sees them in the console (C4), newest first. by says who asked for the run without
-- naming anybody: schedule, event, you, person or operator. A coordinator sees the checks and the withdrawals alone, and no
-- text of an error, because that is for people who operate the service.
-- Called by: list_checks, get_check, preview_withdrawal.

create or replace function private.shown_checks(
    p_org_id uuid, p_job_run_id uuid, p_before bigint, p_limit integer
)
returns table (
    id bigint,
    job_run_id uuid,
    job_name text,
    status text,
    trigger text,
    by text,
    as_of date,
    dry_run boolean,
    started_at timestamptz,
    finished_at timestamptz,
    processed_count integer,
    paused_count integer,
    resumed_count integer,
    synced_count integer,
    skipped_count integer,
    error_count integer,
    unforeseen_count integer,
    held_count integer,
    renewed_count integer,
    redrive_of uuid,
    plan_of uuid,
    withdraws uuid,
    error text
)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select
        l.id, l.job_run_id, l.job_name, l.status, l.trigger,
        case
            when l.trigger in ('schedule', 'event') then l.trigger
            when l.triggered_by = 'user ' || private.user_id() then 'you'
            when l.triggered_by like 'user %' then 'person'
            else 'operator'
        end,
        l.as_of, l.dry_run, l.started_at, l.finished_at, l.processed_count, l.paused_count, l.resumed_count, l.synced_count,
        l.skipped_count, l.error_count, l.unforeseen_count, l.held_count, l.renewed_count, l.redrive_of, l.plan_of,
        l.withdraws, case when mine.role = 'admin' then l.error end
    from public.scheduler_execution_log as l
    cross join (select private.my_role(p_org_id)) as mine (role)
    where l.org_id = p_org_id and (p_job_run_id is null or l.job_run_id = p_job_run_id)
        and l.id < coalesce(p_before, 9223372036854775807)
        and (mine.role = 'admin' or mine.role is not null and l.job_name in ('certification_expiry', 'withdrawal'))
    -- With p_job_run_id: the row with the run's course comes before its duplicate and refused rows.
    order by p_job_run_id is not null and l.status in ('running', 'completed', 'failed') desc, l.id desc
    limit p_limit
$$;
comment on function private.shown_checks is 'Rows of the execution log as the caller sees them, newest first.';
revoke execute on function private.shown_checks from public, anon, authenticated;
