-- Fails if an array has more than 500 elements (R5).
-- Called by: functions that take arrays. Errors: 22023.

create or replace function private.assert_array_size(p_name text, p_count integer)
returns void
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_between('number of ' || p_name, p_count, 0, 500)
$$;
comment on function private.assert_array_size is 'Fails if an array has more than 500 elements.';
revoke execute on function private.assert_array_size from public, anon, authenticated;
