-- The mentors that the signed-in person is responsible for, and the person's own rows as a mentor (S4). With
-- p_mentor_id it looks at that mentor only.
-- Called by: policies, once per statement; private.may_change.

create or replace function private.my_mentors(p_mentor_id uuid default null)
returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.coordinated_mentors(private.user_id(), p_mentor_id, p_mentor_id)
    union
    select m.id from public.peer_mentors as m
    where m.user_id = private.user_id() and m.id = coalesce(p_mentor_id, m.id)
$$;
comment on function private.my_mentors is
'Mentors that the caller is responsible for, and the caller as a mentor; with p_mentor_id at most that one.';
revoke execute on function private.my_mentors from public, anon, authenticated;
grant execute on function private.my_mentors to authenticated;
