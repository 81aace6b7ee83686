-- The organisations that the person who asks belongs to (S4). A definer function, so that policies can use
-- it without asking the policies of org_members again.
-- Locks: none. Called by: policies, once per statement.

create function private.my_orgs()
returns setof uuid
language sql
stable
security definer
set search_path = ''
as $$
    select o.org_id from public.org_members as o where o.user_id = auth.uid()
    union
    select m.org_id from public.peer_mentors as m where m.user_id = auth.uid()
$$;
comment on function private.my_orgs is 'Organisations that the caller coordinates for, administers or mentors in.';
revoke execute on function private.my_orgs from public, anon, authenticated;
grant execute on function private.my_orgs to authenticated;
