-- A user's role in an organisation (O3): administrators and coordinators may start a run by hand.
-- Called by: the HTTP entry, once per request, with the user id of a token that it has verified.
-- Errors: 42501 not_your_organisation.

create or replace function public.get_member_role(p_org_id uuid, p_user_id uuid)
returns text
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select o.role from public.org_members as o where o.org_id = p_org_id and o.user_id = p_user_id
$$;
comment on function public.get_member_role is
'admin or coordinator; null: the user is not a member of the organisation.';
revoke execute on function public.get_member_role from public, anon, authenticated;
grant execute on function public.get_member_role to service_role, mentor_pause_api;
