-- Says whether numbers can be the days before a certification expires on which an organisation warns (W1).
-- Called by: a constraint of organisation_settings.

create or replace function private.are_warning_days(p_days integer [])
returns boolean
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select cardinality(p_days) <= 10
        and coalesce(bool_and(d.days between 1 and 365) and count(*) = count(distinct d.days), true)
    from unnest(p_days) as d (days)
$$;
comment on function private.are_warning_days is 'True if there are at most ten different days, each from 1 to 365.';
revoke execute on function private.are_warning_days from public, anon, authenticated;
-- A constraint runs with the rights of the role that writes the row.
grant execute on function private.are_warning_days to service_role;
