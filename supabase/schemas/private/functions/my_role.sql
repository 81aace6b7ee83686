-- The role of the signed-in person in an organisation (C1).
-- Called by: get_my_access, private.assert_member, private.my_org_mentors and others.

create or replace function private.my_role(p_org_id uuid)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select o.role from public.org_members as o where o.org_id = p_org_id and o.user_id = private.user_id()
$$;
comment on function private.my_role is 'admin or coordinator; null: the caller is no member of the organisation.';
revoke execute on function private.my_role from public, anon, authenticated;
