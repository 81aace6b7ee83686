-- Fails if a number of rows is missing or out of bounds (R5). PostgREST returns at most 1000 rows and does
-- not say that it left some out.
-- Called by: functions that take p_limit. Errors: 22023.

create or replace function private.assert_limit(p_limit integer)
returns void
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_between('p_limit', coalesce(p_limit, 0), 1, 1000)
$$;
comment on function private.assert_limit is 'Fails if a number of rows is missing, or not between 1 and 1000.';
revoke execute on function private.assert_limit from public, anon, authenticated;
