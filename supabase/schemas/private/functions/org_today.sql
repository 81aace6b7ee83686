-- The organisation's present day (E1), which decides whether a certification has expired.
-- Called by: assert_org_scope, begin_execution, update_mentor_status and others.

create or replace function private.org_today(p_org_id uuid)
returns date
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select (statement_timestamp() at time zone o.time_zone)::pg_catalog.date
    from public.organisations as o where o.id = p_org_id
$$;
comment on function private.org_today is 'The present day in the organisation''s time zone.';
revoke execute on function private.org_today from public, anon, authenticated;
