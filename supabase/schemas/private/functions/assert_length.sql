-- Fails if a text is too long (R5).
-- Called by: functions that take a text. Errors: 22023.

create or replace function private.assert_length(p_name text, p_text text, p_longest integer)
returns void
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_between('length of ' || p_name, length(p_text), 0, p_longest)
$$;
comment on function private.assert_length is 'Fails if a text is longer than p_longest characters.';
revoke execute on function private.assert_length from public, anon, authenticated;
