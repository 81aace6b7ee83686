-- Who is asking, by the role of the request (REST) or of the login (pooled). Inside a definer function
-- current_user is its owner, which says nothing about the caller; the setting "role" stays as it was.
-- Who is not named here is a person: a role that somebody adds later opens nothing by itself.
-- Locks: none. Called by: definer functions, which treat people, jobs and services differently.
--
-- Types are written with their schema in every function's body: with an empty search_path the
-- caller's temporary schema is searched first for types, and a domain that somebody puts there would
-- run its check with the owner's rights.

create function private.caller()
returns text
language sql
stable
set search_path = ''
as $$
    select case coalesce(nullif(current_setting('role', true), 'none'), session_user)
        when 'service_role' then 'service'
        when current_user then 'service'
        when 'mentor_pause_job' then 'job'
        when 'portal_sync' then 'portal'
        else 'person'
    end
$$;
comment on function private.caller is
'service (service_role or the owner), job, portal or person, of the call that is under way.';
revoke execute on function private.caller from public, anon, authenticated;
