-- The history is append-only (S6), for the owner too, short of changing the table itself. always: the
-- triggers also fire where session_replication_role is replica.
-- Locks: the history, for an instant.

create function private.refuse_to_rewrite()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = '42501',
        detail = format('%s is refused', lower(tg_op));
end
$$;
comment on function private.refuse_to_rewrite is 'Refuses to change, delete or truncate rows.';
revoke execute on function private.refuse_to_rewrite from public, anon, authenticated;

create trigger refuse_update before update on public.peer_mentor_status_history
for each row execute function private.refuse_to_rewrite();
create trigger refuse_delete before delete on public.peer_mentor_status_history
for each row execute function private.refuse_to_rewrite();
create trigger refuse_truncate before truncate on public.peer_mentor_status_history
for each statement execute function private.refuse_to_rewrite();
alter table public.peer_mentor_status_history enable always trigger refuse_update;
alter table public.peer_mentor_status_history enable always trigger refuse_delete;
alter table public.peer_mentor_status_history enable always trigger refuse_truncate;
