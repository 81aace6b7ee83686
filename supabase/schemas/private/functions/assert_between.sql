-- Checks the bounds of an argument (R5). Without them, an infinite day or a negative version could be stored
-- that no reader can read and nobody can delete. Null passes: it means "not given".
-- Called by: every function that a job role may execute, directly or through the functions below it.
-- Errors: 22023.

create or replace function private.assert_between(p_name text, p_value anycompatible, p_low anycompatible, p_high anycompatible)
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
comment on function private.assert_between is 'Fails if an argument is outside its bounds.';
revoke execute on function private.assert_between from public, anon, authenticated;
