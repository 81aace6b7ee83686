-- How many days before a certification expires an organisation warns (W1).
-- Called by: private.due_warnings.

create or replace function private.warning_days(p_org_id uuid)
returns integer []
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce((select s.warning_days from public.organisation_settings as s where s.org_id = p_org_id), '{90,30,14,7}')
$$;
comment on function private.warning_days is 'The organisation''s stages of warning, in days; the default if it has no settings.';
revoke execute on function private.warning_days from public, anon, authenticated;
