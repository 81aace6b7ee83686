-- The ids by which messages name the signed-in person (W3): the user id, and the ids of the person's own rows as a
-- mentor, because a message may be older than the account.
-- Called by: the policy of messages, once per statement; list_my_messages, mark_messages_read.

create or replace function private.my_person_ids()
returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.user_id()
    union
    select m.id from public.peer_mentors as m where m.user_id = private.user_id()
$$;
comment on function private.my_person_ids is 'The caller''s user id, and the ids of the mentors who the caller is.';
revoke execute on function private.my_person_ids from public, anon, authenticated;
grant execute on function private.my_person_ids to authenticated;
