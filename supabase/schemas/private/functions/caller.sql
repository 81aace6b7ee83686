-- Returns who is calling, from the role of the request (REST) or of the login (pooled). Inside a security
-- definer function current_user is the function's owner; the setting "role" keeps the caller's value.
--
-- Only the roles that PostgREST switches to are people (S4). A login role that inherits a job role is that
-- job; one that inherits the owner's rights is a service. Every other role is nobody, so a role that is added
-- later gets no rights, and claims that it sets in its own session are ignored. The function is security
-- definer, so that current_user is the owner of the functions for every caller.
--
-- Every function names pg_catalog, pg_temp as its search_path. With an empty search_path PostgreSQL looks for
-- types in the caller's temporary schema first, and the check of a domain there would run with the owner's
-- rights.
-- Called by: security definer functions, which treat people, jobs and services differently.

create or replace function private.caller()
returns text
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select case
        when asks.role in ('authenticated', 'anon') then 'person'
        when asks.role in ('service_role', current_user) then 'service'
        when asks.role = 'mentor_pause_job' then 'job'
        when asks.role = 'portal_sync' then 'portal'
        when asks.role = 'mentor_pause_api' then 'api'
        when asks.role = 'mentor_pause_notifier' then 'notifier'
        when pg_has_role(asks.role, current_user, 'usage') then 'service'
        when pg_has_role(asks.role, 'mentor_pause_job', 'usage') then 'job'
        when pg_has_role(asks.role, 'portal_sync', 'usage') then 'portal'
        when pg_has_role(asks.role, 'mentor_pause_api', 'usage') then 'api'
        when pg_has_role(asks.role, 'mentor_pause_notifier', 'usage') then 'notifier'
        else 'nobody'
    end
    -- The role of the request (REST) or of the login (pooled).
    from (select coalesce(nullif(current_setting('role', true), 'none'), session_user)) as asks (role)
$$;
comment on function private.caller is
'The caller of the present call: service (service_role or the owner), job, portal, api, notifier, person or nobody.';
revoke execute on function private.caller from public, anon, authenticated;
