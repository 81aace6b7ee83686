-- Accepts the time zones that both PostgreSQL and Python know (R4): Area/City or UTC, as spelt in the time
-- zone database. PostgreSQL alone would also accept utc+25, which is a day away from every place.
-- Called by: the check constraint of organisations; private.check_mentor_rows.

create or replace function private.is_time_zone(p_name text)
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
comment on function private.is_time_zone is 'True if the name is a time zone of the form Area/City, or UTC.';
revoke execute on function private.is_time_zone from public, anon, authenticated;
grant execute on function private.is_time_zone to service_role;
