-- The limit of private.assert_not_too_often (R5).

create or replace function private.changes_per_hour()
returns integer
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select 20
$$;
comment on function private.changes_per_hour is 'How often one person may change one mentor''s status within an hour.';
revoke execute on function private.changes_per_hour from public, anon, authenticated;
