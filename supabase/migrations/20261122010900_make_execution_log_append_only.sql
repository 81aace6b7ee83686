-- The execution log is append-only (S6), but for the one change that it is made for: a running row
-- gets its end, once. What was known when it began never changes.
-- Locks: the log, for an instant.

create function private.allow_only_the_end()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
    v_end constant pg_catalog.text [] := array[
        'status', 'finished_at', 'error', 'processed_count', 'paused_count', 'skipped_count', 'error_count'
    ];
begin
    if old.status = 'running' and new.status in ('completed', 'failed')
        and to_jsonb(old) - v_end = to_jsonb(new) - v_end
    then
        return new;
    end if;
    raise exception '% is append-only', tg_table_name using errcode = '42501',
        detail = 'a running row gets its end, and nothing else changes';
end
$$;
comment on function private.allow_only_the_end is 'Lets a running row of the log end, and refuses every other change.';
revoke execute on function private.allow_only_the_end from public, anon, authenticated;

create trigger allow_only_the_end before update on public.scheduler_execution_log
for each row execute function private.allow_only_the_end();
create trigger refuse_delete before delete on public.scheduler_execution_log
for each row execute function private.refuse_to_rewrite();
create trigger refuse_truncate before truncate on public.scheduler_execution_log
for each statement execute function private.refuse_to_rewrite();
alter table public.scheduler_execution_log enable always trigger allow_only_the_end;
alter table public.scheduler_execution_log enable always trigger refuse_delete;
alter table public.scheduler_execution_log enable always trigger refuse_truncate;
