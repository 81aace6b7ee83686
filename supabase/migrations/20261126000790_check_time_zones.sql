-- A time zone that PostgreSQL and Python both know (R4): Area/City or UTC, as it is spelt in the time zone database.
-- PostgreSQL itself takes utc+25 for a zone, a day away from anywhere.
-- Locks: the organisations, exclusively, while the rows are checked.

create function private.is_time_zone(p_name text)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select p_name = 'UTC' or (
        p_name ~ '^[A-Z][A-Za-z_]+(/[A-Z][A-Za-z0-9_+-]+)+$'
        and exists (select from pg_timezone_names as z where z.name = p_name)
    )
$$;
comment on function private.is_time_zone is 'Whether this is a time zone of the form Area/City, or UTC.';
revoke execute on function private.is_time_zone from public, anon, authenticated;
-- A role that writes an organisation runs the check.
grant execute on function private.is_time_zone to service_role;

alter table public.organisations
add constraint organisations_time_zone_check check (private.is_time_zone(time_zone));
