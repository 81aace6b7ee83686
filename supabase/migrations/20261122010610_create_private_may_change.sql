-- Whose mentor it is (S3): asked before the row is locked, and again afterwards.
-- Locks: none. Called by: update_mentor_status, get_mentor_status.

create function private.may_change(p_mentor_id uuid)
returns boolean
language sql
stable
set search_path = ''
as $$
    select private.caller() <> 'person' or p_mentor_id in (select private.my_mentors())
$$;
comment on function private.may_change is
'Whether the caller is a job or a service, or the mentor is theirs.';
revoke execute on function private.may_change from public, anon, authenticated;
