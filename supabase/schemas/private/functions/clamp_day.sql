-- A day within the range that programs can read (R4). An adopter's table may contain infinity, or
-- 10000-01-01, for a certification that never expires; Python's days have the years 1 to 9999. Whether a
-- certification has expired is decided by the stored day, not by this one.
-- Called by: functions that return a day of expiry.

create or replace function private.clamp_day(p_day date)
returns date
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when p_day < date '0001-01-01' then date '0001-01-01'
        when p_day > date '9999-12-31' then date '9999-12-31'
        else p_day
    end
$$;
comment on function private.clamp_day is 'The day, or the nearest one in the years 1 to 9999.';
revoke execute on function private.clamp_day from public, anon, authenticated;
