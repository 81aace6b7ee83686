-- Refuses to change, delete or truncate rows (S6), also for the owner. The owner can still change the table
-- itself.
-- Called by: triggers of peer_mentor_status_history and scheduler_execution_log.
-- Errors: 42501.

create or replace function private.enforce_append_only()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = '42501',
        detail = format('%s is refused', lower(tg_op));
end
$$;
comment on function private.enforce_append_only is 'Refuses to change, delete or truncate rows.';
revoke execute on function private.enforce_append_only from public, anon, authenticated;
