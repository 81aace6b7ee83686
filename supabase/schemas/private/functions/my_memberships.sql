-- The organisations in which the signed-in person is an administrator or a coordinator (S4).
-- Called by: the policy of peer_mentors, once per statement.

create or replace function private.my_memberships()
returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select o.org_id from public.org_members as o where o.user_id = private.user_id()
$$;
comment on function private.my_memberships is 'Organisations that the caller administers or coordinates for.';
revoke execute on function private.my_memberships from public, anon, authenticated;
grant execute on function private.my_memberships to authenticated;
