-- Whether a withdrawal may resume a mentor, under the mentor's lock (G5): what private.why_not_resumed says of the withdrawn
-- run today. Null: it may.
-- Called by: update_mentor_status, list_run_outcomes.
-- Errors: PT403 the run is not a withdrawal in progress.

create or replace function private.withdrawal_outcome(
    p_org_id uuid, p_job_run_id uuid, p_mentor_id uuid, p_status text, p_expires_on date, p_dry_run boolean
)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
declare
    v_withdrawn uuid;
begin
    select l.withdraws into v_withdrawn from public.scheduler_execution_log as l
    where l.job_run_id = p_job_run_id and l.org_id = p_org_id and l.status in ('running', 'completed', 'failed')
        and l.job_name = 'withdrawal' and (p_dry_run or not l.dry_run);
    if v_withdrawn is null then
        raise exception 'reserved for the job' using errcode = 'PT403', hint = 'reserved_for_the_job',
            detail = 'pause_withdrawn is for runs of the job withdrawal';
    end if;
    return private.why_not_resumed(v_withdrawn, p_mentor_id, p_status, p_expires_on, private.org_today(p_org_id));
end
$$;
comment on function private.withdrawal_outcome is
'changed_since or still_expired if a withdrawal may not resume the mentor; null if it may.';
revoke execute on function private.withdrawal_outcome from public, anon, authenticated;
