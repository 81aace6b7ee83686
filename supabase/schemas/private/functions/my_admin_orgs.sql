-- The organisations that the signed-in person administers (S4). Security definer, so that a policy of
-- org_members can use it without evaluating the policies of org_members again.
-- Called by: policies, once per statement.

create or replace function private.my_admin_orgs()
returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select o.org_id from public.org_members as o
    where o.user_id = private.user_id() and o.role = 'admin'
$$;
comment on function private.my_admin_orgs is 'Organisations that the caller administers.';
revoke execute on function private.my_admin_orgs from public, anon, authenticated;
grant execute on function private.my_admin_orgs to authenticated;
