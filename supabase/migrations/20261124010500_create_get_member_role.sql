-- What somebody is in an organisation (O3): who may start a run by hand is an administrator or a coordinator.
-- Locks: none. Called by: the HTTP entry, once per request, with the user id of a token that it has verified.

create function public.get_member_role(p_org_id uuid, p_user_id uuid)
returns text
language sql
stable
security definer
set search_path = ''
as $$
    select o.role from public.org_members as o where o.org_id = p_org_id and o.user_id = p_user_id
$$;
comment on function public.get_member_role is
'admin or coordinator, or null for who is no member of the organisation.';
revoke execute on function public.get_member_role from public, anon, authenticated;
grant execute on function public.get_member_role to service_role, mentor_pause_api;
