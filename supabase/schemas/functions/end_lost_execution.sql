-- Ends the log row of a run that the ledger has lost, with counts from the data (E8). The ledger loses a run
-- when its items are deleted or the table is recreated. The run's pages are lost with it, so no worker can
-- continue.
--
-- For certification_expiry, the mentors in the run's history count as paused, and the mentors who are active
-- although their certification had expired on the run's day count as errors, but not those whom the run's plan holds. For
-- withdrawal, the mentors in the run's history count as resumed. For hlf_sync, the mentors whose
-- status the run sent to the portal count as synced. If the run changed nothing, its row gets no counts, and
-- its trigger may begin it again (begin_execution).
-- Called by: the holder of the lock of the run's job. Repeated calls change nothing.
-- Locks: the run's row of the log.
-- Errors: PT404 no such run, 42501 not_your_organisation.

create or replace function public.end_lost_execution(p_org_id uuid, p_job_run_id uuid, p_error text)
returns table (has_ended boolean, effect_count integer, error_count integer)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_run public.scheduler_execution_log;
    v_effect integer := 0;
    v_left integer := 0;
begin
    perform private.assert_job_org(p_org_id);
    select * into v_run from public.scheduler_execution_log as l
    where l.job_run_id = p_job_run_id and l.org_id = p_org_id and l.status in ('running', 'completed', 'failed')
    for update;
    if not found then
        raise exception 'run not found' using errcode = 'PT404', detail = 'the log has no row of this run';
    elsif v_run.status <> 'running' then
        return query select false, 0, 0;
        return;
    end if;
    if v_run.job_name in ('certification_expiry', 'withdrawal') then
        select count(*) into v_effect
        from public.peer_mentor_status_history as h where h.job_run_id = p_job_run_id;
        if v_run.job_name = 'certification_expiry' and not v_run.dry_run and v_run.redrive_of is null
            and v_run.plan_of is null and v_run.as_of is not null
        then
            v_left := greatest(0, public.count_stale_active_mentors(p_org_id, v_run.as_of) - coalesce(
                (select p.held_count from public.plans as p where p.job_run_id = p_job_run_id), 0
            ));
        end if;
    elsif v_run.job_name = 'hlf_sync' then
        select count(*) into v_effect from public.portal_sync_state as s where s.job_run_id = p_job_run_id;
    end if;
    update public.scheduler_execution_log as l
    set
        status = 'failed',
        finished_at = clock_timestamp(),
        error = left(p_error, 4000),
        processed_count = case when v_effect > 0 then v_effect + v_left end,
        paused_count = case when v_effect > 0 then case when l.job_name = 'certification_expiry' then v_effect else 0 end end,
        skipped_count = case when v_effect > 0 then 0 end,
        error_count = case when v_effect > 0 then v_left end,
        synced_count = case when v_effect > 0 and l.job_name = 'hlf_sync' then v_effect end,
        resumed_count = case when v_effect > 0 and l.job_name = 'withdrawal' then v_effect end
    where l.id = v_run.id;
    return query select true, v_effect, v_left;
end
$$;
comment on function public.end_lost_execution is
'Ends the row of a run that the ledger has lost, with counts from the data; has_ended: it was running before.';
revoke execute on function public.end_lost_execution from public, anon, authenticated;
grant execute on function public.end_lost_execution to service_role, mentor_pause_job;
