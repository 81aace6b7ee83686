-- Bounds an argument (R5): an infinite day or a negative version, once stored, is what no reader can read and
-- nobody can delete. Null passes: it means "not given" where it is allowed at all.
-- Locks: none. Called by: every function that a job role may execute. Errors: 22023.

create function private.assert_between(p_name text, p_value anycompatible, p_low anycompatible, p_high anycompatible)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_value < p_low or p_value > p_high then
        raise exception '% is out of bounds', p_name using errcode = '22023',
            detail = format('%s is between %s and %s', p_name, p_low, p_high);
    end if;
end
$$;
comment on function private.assert_between is 'Fails when an argument is outside its bounds.';
revoke execute on function private.assert_between from public, anon, authenticated;

create function private.assert_day(p_name text, p_day date)
returns void
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_between(p_name, p_day, date '1900-01-01', date '2999-12-31')
$$;
comment on function private.assert_day is 'Fails when a day is infinite or none that a run could be about.';
revoke execute on function private.assert_day from public, anon, authenticated;

-- A page of ids, or the number of rows to return. PostgREST cuts at 1000 rows and says nothing.
create function private.assert_limit(p_limit integer)
returns void
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_between('p_limit', coalesce(p_limit, 0), 1, 1000)
$$;
comment on function private.assert_limit is 'Fails when a number of rows is missing, or not between 1 and 1000.';
revoke execute on function private.assert_limit from public, anon, authenticated;

create function private.assert_short(p_name text, p_text text, p_longest integer)
returns void
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_between('length of ' || p_name, length(p_text), 0, p_longest)
$$;
comment on function private.assert_short is 'Fails when a text is longer than p_longest characters.';
revoke execute on function private.assert_short from public, anon, authenticated;

create function private.assert_few(p_name text, p_count integer)
returns void
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_between('number of ' || p_name, p_count, 0, 500)
$$;
comment on function private.assert_few is 'Fails when an array has more than 500 elements.';
revoke execute on function private.assert_few from public, anon, authenticated;

create function private.assert_moment(p_name text, p_at timestamptz)
returns void
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_between(p_name, p_at, timestamptz '1900-01-01 00:00+00', timestamptz '2999-12-31 00:00+00')
$$;
comment on function private.assert_moment is 'Fails when a moment is infinite, or centuries away.';
revoke execute on function private.assert_moment from public, anon, authenticated;
