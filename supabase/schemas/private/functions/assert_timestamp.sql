-- Fails if a moment is infinite, or centuries away (R5).
-- Called by: functions that take a moment. Errors: 22023.

create or replace function private.assert_timestamp(p_name text, p_at timestamptz)
returns void
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_between(p_name, p_at, timestamptz '1900-01-01 00:00+00', timestamptz '2999-12-31 00:00+00')
$$;
comment on function private.assert_timestamp is 'Fails if a moment is infinite, or centuries away.';
revoke execute on function private.assert_timestamp from public, anon, authenticated;
