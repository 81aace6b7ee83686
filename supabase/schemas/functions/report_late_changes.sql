-- Corrects the counts of a run that has ended, from the data (D4). A worker may finish its page after the
-- page was marked as failed and the run had ended. Then the run counted the page's mentors as errors. The
-- row's text says that the counts were corrected, because it still names the reasons of the former errors
-- (E7).
--
-- For certification_expiry, paused_count becomes the number of the run's history rows. For hlf_sync,
-- synced_count becomes the number of mentors whose status the run sent to the portal. For withdrawal, resumed_count
-- becomes the number of the run's history rows. A count never shrinks,
-- and it never grows by more than the errors.
-- Called by: a worker that notices that its page was already closed. Repeated calls change nothing.
-- Locks: the run's row of the log.

create or replace function public.report_late_changes(p_job_run_id uuid)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_run public.scheduler_execution_log;
    v_more integer;
begin
    perform private.run_org(p_job_run_id);
    select * into v_run from public.scheduler_execution_log as l
    where
        l.job_run_id = p_job_run_id
        and l.status in ('completed', 'failed')
        and (private.caller() in ('job', 'service') or l.job_name = 'hlf_sync')
    for update;
    if v_run.job_name = 'certification_expiry' then
        select count(*) - coalesce(v_run.paused_count, 0) into v_more
        from public.peer_mentor_status_history as h where h.job_run_id = p_job_run_id;
    elsif v_run.job_name = 'hlf_sync' then
        select count(*) - coalesce(v_run.synced_count, 0) into v_more
        from public.portal_sync_state as s where s.job_run_id = p_job_run_id;
    elsif v_run.job_name = 'withdrawal' then
        select count(*) - coalesce(v_run.resumed_count, 0) into v_more
        from public.peer_mentor_status_history as h where h.job_run_id = p_job_run_id;
    end if;
    -- A run that never began has no counts, and least() ignores nulls.
    v_more := least(v_more, coalesce(v_run.error_count, 0));
    if v_run.id is null or v_more <= 0 then
        return false;
    end if;
    update public.scheduler_execution_log as l
    set
        paused_count = case
            when l.job_name = 'certification_expiry' then coalesce(l.paused_count, 0) + v_more else l.paused_count
        end,
        resumed_count = case
            when l.job_name = 'withdrawal' then coalesce(l.resumed_count, 0) + v_more else l.resumed_count
        end,
        synced_count = case when l.job_name = 'hlf_sync' then coalesce(l.synced_count, 0) + v_more else l.synced_count end,
        error_count = l.error_count - v_more,
        error = left(
            concat_ws(
                '; ', l.error,
                format(
                    'corrected after the end: %s of the errors %s after all', v_more,
                    case l.job_name when 'hlf_sync' then 'synced' when 'withdrawal' then 'resumed' else 'paused' end
                )
            ),
            4000
        )
    where l.id = v_run.id;
    return true;
end
$$;
comment on function public.report_late_changes is
'Moves mentors that an ended run has changed after all from its errors to its effect; true: it corrected the row.';
revoke execute on function public.report_late_changes from public, anon, authenticated;
grant execute on function public.report_late_changes to service_role, mentor_pause_job, portal_sync;
