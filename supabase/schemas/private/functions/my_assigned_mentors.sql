-- The mentors who are assigned to the signed-in person (S4), also in organisations that the person has left.
-- Called by: the policy of peer_mentors, once per statement.

create or replace function private.my_assigned_mentors()
returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select a.mentor_id from public.assignments as a
    where a.coordinator_id = private.user_id() and (a.ended_at is null or a.ended_at > clock_timestamp())
$$;
comment on function private.my_assigned_mentors is 'Mentors who are assigned to the caller at present.';
revoke execute on function private.my_assigned_mentors from public, anon, authenticated;
grant execute on function private.my_assigned_mentors to authenticated;
