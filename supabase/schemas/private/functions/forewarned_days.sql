-- How many days before the night a mentor must have been warned of an expiry date, so that the pause is not unforeseen (G2).

create or replace function private.forewarned_days()
returns integer
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select 7
$$;
comment on function private.forewarned_days is 'A pause is unforeseen unless the mentor was warned so many days before.';
revoke execute on function private.forewarned_days from public, anon, authenticated;
