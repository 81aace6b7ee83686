-- private.caller as it was (20261122010200), and the HTTP entry by a name of its own: it is neither a
-- person nor a job.
-- Locks: none. Called by: definer functions, which treat people, jobs and services differently.

create or replace function private.caller()
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
        when 'mentor_pause_api' then 'api'
        else 'person'
    end
$$;
comment on function private.caller is
'service (service_role or the owner), job, portal, api or person, of the call that is under way.';
