-- private.caller as it was (20261124010200), but only the roles that PostgREST switches to are people (S4). A login
-- role that inherits a job role is that job, one that inherits the owner's rights a service; any other role is nobody. So claims that such a role sets in its own
-- session name nobody. A definer function: current_user is then the owner of the functions, wherever it is called from.
-- Locks: none. Called by: definer functions, which treat people, jobs and services differently.

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
        when pg_has_role(asks.role, current_user, 'usage') then 'service'
        when pg_has_role(asks.role, 'mentor_pause_job', 'usage') then 'job'
        when pg_has_role(asks.role, 'portal_sync', 'usage') then 'portal'
        when pg_has_role(asks.role, 'mentor_pause_api', 'usage') then 'api'
        else 'nobody'
    end
    -- The role of the request (REST) or of the login (pooled).
    from (select coalesce(nullif(current_setting('role', true), 'none'), session_user)) as asks (role)
$$;
comment on function private.caller is
'service (service_role or the owner), job, portal, api, person or nobody, of the call that is under way.';
revoke execute on function private.caller from public, anon, authenticated;
