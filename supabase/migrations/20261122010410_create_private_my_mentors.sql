-- The mentors of the person who asks: those they are responsible for, and they themself as a mentor (S4).
-- Locks: none. Called by: policies and functions, once per statement.

create function private.my_mentors()
returns setof uuid
language sql
stable
security definer
set search_path = ''
as $$
    select private.coordinated_mentors(auth.uid())
    union
    select m.id from public.peer_mentors as m where m.user_id = auth.uid()
$$;
comment on function private.my_mentors is
'Mentors that the caller is responsible for, and the caller as a mentor.';
revoke execute on function private.my_mentors from public, anon, authenticated;
grant execute on function private.my_mentors to authenticated;
