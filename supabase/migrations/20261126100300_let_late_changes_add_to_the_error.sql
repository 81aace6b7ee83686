-- allow_only_the_end as it was (20261126000300), but a late change may add to the row's text: the text says how many errors
-- there were, and the counts of the row say something else from then on (D4). What the text said before stays.
--
-- Locks: none.

create or replace function private.allow_only_the_end()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_begin constant text [] := array['status', 'finished_at', 'error', 'as_of'];
    v_end constant text [] := array[
        'status', 'finished_at', 'error', 'processed_count', 'paused_count', 'skipped_count', 'error_count',
        'synced_count', 'renewed_count'
    ];
    v_effect constant text := case new.job_name
        when 'certification_expiry' then 'paused_count' when 'hlf_sync' then 'synced_count'
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
        detail = 'a running row gets its end, late changes correct its counts and add to its error, and nothing else changes';
end
$$;
comment on function private.allow_only_the_end is
'Lets a row of the log begin, end, or have its errors corrected, and refuses every other change.';
