-- The organisations of the person who asks (S4). Definer functions, so that policies can use them
-- without asking the policies of org_members again.
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

create function private.org_today(p_org_id uuid)
returns date
language sql
stable
security definer
set search_path = ''
as $$
    select (statement_timestamp() at time zone o.time_zone)::pg_catalog.date
    from public.organisations as o where o.id = p_org_id
$$;
comment on function private.org_today is 'Which day it is in the organisation''s time zone.';
revoke execute on function private.org_today from public, anon, authenticated;
