-- The organisations that the signed-in person belongs to (S4). Security definer, so that policies can use it
-- without evaluating the policies of org_members again.
-- Called by: policies, once per statement.

create or replace function private.my_orgs()
returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select o.org_id from public.org_members as o where o.user_id = private.user_id()
    union
    select m.org_id from public.peer_mentors as m where m.user_id = private.user_id()
$$;
comment on function private.my_orgs is 'Organisations that the caller coordinates for, administers or mentors in.';
revoke execute on function private.my_orgs from public, anon, authenticated;
grant execute on function private.my_orgs to authenticated;
