-- list_run_changes as it was (20261124000700), confined to the organisations of the job role that asks (20261126000060) and with
-- bounded arguments (20261126000070).
-- Locks: none. Called by: the completion of a run.

create or replace function public.list_run_changes(p_job_run_id uuid, p_mentor_ids uuid [])
returns table (mentor_id uuid)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.run_org(p_job_run_id);
    select private.assert_few('p_mentor_ids', cardinality(p_mentor_ids));
    select h.mentor_id
    from public.peer_mentor_status_history as h
    where h.job_run_id = p_job_run_id and h.mentor_id = any(p_mentor_ids)
    union
    select s.mentor_id
    from public.portal_sync_state as s
    where s.job_run_id = p_job_run_id and s.mentor_id = any(p_mentor_ids)
    order by 1
$$;
comment on function public.list_run_changes is
'Those of the given mentors whose status the run changed, or whose state it wrote to the portal.';
revoke execute on function public.list_run_changes from public, anon, authenticated;
grant execute on function public.list_run_changes to service_role, mentor_pause_job, portal_sync;
