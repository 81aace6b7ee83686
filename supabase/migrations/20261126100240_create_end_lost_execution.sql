-- Ends the row of a run that the ledger has lost, by what the data say (E8): its items were deleted, or the table was
-- created anew. Its pages are lost with them, so no worker can go on.
-- Locks: the run's row of the log. Called by: whoever holds the lock of the run's job; repeated calls change nothing.
-- Errors: PT404 no such run, 42501 not_your_organisation.
--
-- certification_expiry: mentors in the run's history are its paused ones; mentors who are active though their
-- certification had expired on the run's day are its errors. hlf_sync: mentors whom the run told the portal of. Where the
-- run did nothing, its row gets no counts, and its trigger may begin it again (begin_execution).

create function public.end_lost_execution(p_org_id uuid, p_job_run_id uuid, p_error text)
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
        raise exception 'run not found' using errcode = 'PT404', detail = 'no log row of this run';
    elsif v_run.status <> 'running' then
        return query select false, 0, 0;
        return;
    end if;
    if v_run.job_name = 'certification_expiry' then
        select count(*) into v_effect
        from public.peer_mentor_status_history as h where h.job_run_id = p_job_run_id;
        if not v_run.dry_run and v_run.redrive_of is null and v_run.as_of is not null then
            v_left := public.count_stale_active_mentors(p_org_id, v_run.as_of);
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
        paused_count = case when v_effect > 0 then case when l.job_name = 'hlf_sync' then 0 else v_effect end end,
        skipped_count = case when v_effect > 0 then 0 end,
        error_count = case when v_effect > 0 then v_left end,
        synced_count = case when v_effect > 0 and l.job_name = 'hlf_sync' then v_effect end
    where l.id = v_run.id;
    return query select true, v_effect, v_left;
end
$$;
comment on function public.end_lost_execution is
'Ends the row of a run that the ledger has lost, with the counts that the data give; has_ended: it was running.';
revoke execute on function public.end_lost_execution from public, anon, authenticated;
grant execute on function public.end_lost_execution to service_role, mentor_pause_job;
