-- allow_only_the_end as it was (20261122010900), with the counts of the portal sync.
-- Locks: none.

create or replace function private.allow_only_the_end()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
    v_end constant pg_catalog.text [] := array[
        'status', 'finished_at', 'error', 'processed_count', 'paused_count', 'skipped_count', 'error_count',
        'synced_count', 'renewed_count'
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
