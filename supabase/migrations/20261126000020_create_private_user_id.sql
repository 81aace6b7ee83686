-- The user id of the person who asks, from the claims of their token. Claims count only for roles that PostgREST
-- switches to (S4): anybody who logs in directly can set them.
-- Locks: none. Called by: policies and functions, once per statement.

create function private.user_id()
returns uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select case when private.caller() = 'person' then auth.uid() end
$$;
comment on function private.user_id is 'The user id of the person who asks; null for jobs, services and everybody else.';
revoke execute on function private.user_id from public, anon, authenticated;
grant execute on function private.user_id to authenticated;
