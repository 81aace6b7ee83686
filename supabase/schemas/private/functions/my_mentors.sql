-- The mentors that the signed-in person is responsible for, and the person's own rows as a mentor (S4).
-- Called by: policies and functions, once per statement.

create or replace function private.my_mentors()
returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.coordinated_mentors(private.user_id())
    union
    select m.id from public.peer_mentors as m where m.user_id = private.user_id()
$$;
comment on function private.my_mentors is
'Mentors that the caller is responsible for, and the caller as a mentor.';
revoke execute on function private.my_mentors from public, anon, authenticated;
grant execute on function private.my_mentors to authenticated;
