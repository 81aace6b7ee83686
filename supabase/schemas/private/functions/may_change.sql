-- Says whether the caller may change a mentor (S3).
-- Called by: update_mentor_status, before it locks the row and again after it; get_mentor_status.

create or replace function private.may_change(p_mentor_id uuid)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select private.caller() in ('job', 'service') or p_mentor_id in (select private.my_mentors(p_mentor_id))
$$;
comment on function private.may_change is
'True if the caller is a job, a service, the mentor, or a responsible coordinator.';
revoke execute on function private.may_change from public, anon, authenticated;
