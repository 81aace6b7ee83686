-- The user id of the signed-in person, from the claims of their token. Claims count only for the roles that
-- PostgREST switches to (S4), because a role that logs in directly can set any claims.
-- Called by: policies and functions, once per statement.

create or replace function private.user_id()
returns uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select case when private.caller() = 'person' then auth.uid() end
$$;
comment on function private.user_id is 'The user id of the signed-in person; null for jobs, services and every other role.';
revoke execute on function private.user_id from public, anon, authenticated;
grant execute on function private.user_id to authenticated;
