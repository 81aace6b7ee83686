-- Who is asking: the role of the request (REST) or of the login (pooled). Inside a definer function
-- current_user is its owner, which says nothing about the caller; the setting "role" stays as it was.
-- Locks: none. Called by: the functions that treat people and jobs differently.

create function private.caller_role()
returns text
language sql
stable
set search_path = ''
as $$
    select coalesce(nullif(current_setting('role', true), 'none'), session_user)
$$;
comment on function private.caller_role is 'The role that called, also inside a definer function.';
revoke execute on function private.caller_role from public, anon, authenticated;
