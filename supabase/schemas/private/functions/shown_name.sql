-- The name of who triggered or approved a run, for people who may not see the names of others (S4): "a person". Names of
-- what is not a person stay.
-- Called by: explain_mentor, get_plan.

create or replace function private.shown_name(p_name text, p_sees_names boolean)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select case when p_sees_names or p_name ~ '^(schedule|event, |database, |machine$)' then p_name else 'a person' end
    where p_name is not null
$$;
comment on function private.shown_name is 'A name in the execution log, or "a person" for those who may not see it.';
revoke execute on function private.shown_name from public, anon, authenticated;
