-- The organisations that the person who asks administers (S4); a definer function for the same reason.
-- Locks: none. Called by: policies, once per statement.

create function private.my_admin_orgs()
returns setof uuid
language sql
stable
security definer
set search_path = ''
as $$
    select o.org_id from public.org_members as o
    where o.user_id = auth.uid() and o.role = 'admin'
$$;
comment on function private.my_admin_orgs is 'Organisations that the caller administers.';
revoke execute on function private.my_admin_orgs from public, anon, authenticated;
grant execute on function private.my_admin_orgs to authenticated;
