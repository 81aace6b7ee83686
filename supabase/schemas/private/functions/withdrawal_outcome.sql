-- Whether a withdrawal may resume a mentor, under the mentor's lock (G5). Null: it may.
--
--   changed_since   the pause by the withdrawn run is not the mentor's last change
--   still_expired   the mentor has no certification that is valid today
--
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
    v_last uuid;
begin
    select l.withdraws into v_withdrawn from public.scheduler_execution_log as l
    where l.job_run_id = p_job_run_id and l.org_id = p_org_id and l.status in ('running', 'completed', 'failed')
        and l.job_name = 'withdrawal' and (p_dry_run or not l.dry_run);
    if v_withdrawn is null then
        raise exception 'reserved for the job' using errcode = 'PT403', hint = 'reserved_for_the_job',
            detail = 'pause_withdrawn is for runs of the job withdrawal';
    end if;
    select h.job_run_id into v_last from public.peer_mentor_status_history as h
    where h.mentor_id = p_mentor_id order by h.id desc limit 1;
    return case
        when p_status <> 'paused' or v_last is distinct from v_withdrawn then 'changed_since'
        when p_expires_on is null or p_expires_on <= private.org_today(p_org_id) then 'still_expired'
    end;
end
$$;
comment on function private.withdrawal_outcome is
'changed_since or still_expired if a withdrawal may not resume the mentor; null if it may.';
revoke execute on function private.withdrawal_outcome from public, anon, authenticated;
