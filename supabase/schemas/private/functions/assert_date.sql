-- Fails if a day is infinite, or too far away for a run (R5).
-- Called by: every function that a job role may execute and that takes a day. Errors: 22023.

create or replace function private.assert_date(p_name text, p_day date)
returns void
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_between(p_name, p_day, date '1900-01-01', date '2999-12-31')
$$;
comment on function private.assert_date is 'Fails if a day is infinite, or too far away for a run.';
revoke execute on function private.assert_date from public, anon, authenticated;
