-- The chapters that the signed-in person coordinates (S4), also in organisations that the person has left.
-- Called by: the policy of peer_mentors, once per statement.

create or replace function private.my_chapters()
returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select cc.chapter_id from public.coordinator_chapters as cc where cc.coordinator_id = private.user_id()
$$;
comment on function private.my_chapters is 'Chapters that the caller coordinates.';
revoke execute on function private.my_chapters from public, anon, authenticated;
grant execute on function private.my_chapters to authenticated;
