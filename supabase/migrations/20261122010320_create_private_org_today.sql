-- Which day it is for an organisation (E1): what decides whether a certification has expired.
-- Locks: none. Called by: update_mentor_status, assert_org_scope.

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
