-- Keeps the execution log append-only (S6), except for these changes of a row:
--
--   * a running row gets its end, once
--   * a run that never began begins: its row said failed and has no counts, because a refused redrive is
--     delivered again (D4)
--   * a late change corrects the counts of a run that has ended (D4): the count of the job's effect grows,
--     error_count shrinks by as much, and the text gets an addition
--
-- Called by: the trigger restrict_log_updates of scheduler_execution_log.

create or replace function private.restrict_log_updates()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_begin constant text [] := array[
        'status', 'finished_at', 'error', 'as_of', 'plan_of', 'plan_hash', 'approved_by', 'approved_at', 'approval_note',
        'withdraws'
    ];
    v_end constant text [] := array[
        'status', 'finished_at', 'error', 'processed_count', 'paused_count', 'skipped_count', 'error_count',
        'synced_count', 'renewed_count', 'resumed_count', 'unforeseen_count', 'held_count', 'plan_hash'
    ];
    v_effect constant text := case new.job_name
        when 'certification_expiry' then 'paused_count' when 'hlf_sync' then 'synced_count'
        when 'withdrawal' then 'resumed_count'
    end;
    v_old constant jsonb := to_jsonb(old);
    v_new constant jsonb := to_jsonb(new);
    v_more constant integer := coalesce((v_new ->> v_effect)::integer, 0) - coalesce((v_old ->> v_effect)::integer, 0);
begin
    if old.status = 'running' and new.status in ('completed', 'failed') and v_old - v_end = v_new - v_end then
        return new;
    elsif old.status = 'failed' and old.processed_count is null and new.status = 'running'
        and v_old - v_begin = v_new - v_begin
    then
        return new;
    elsif old.status in ('completed', 'failed') and v_more > 0
        and new.error_count = old.error_count - v_more and new.error_count >= 0
        and starts_with(coalesce(new.error, ''), coalesce(old.error, ''))
        and v_old - array['error_count', 'error', v_effect] = v_new - array['error_count', 'error', v_effect]
    then
        return new;
    end if;
    raise exception '% is append-only', tg_table_name using errcode = '42501',
        detail = 'only the end of a running row, and corrections of its counts and error by late changes, are allowed';
end
$$;
comment on function private.restrict_log_updates is
'Allows a row of the log to begin, to end, or to get its errors corrected; refuses every other change.';
revoke execute on function private.restrict_log_updates from public, anon, authenticated;
