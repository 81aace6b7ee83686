-- list_run_changes as it was (20261122001700), and of a sync run those whom it told the portal of.
-- Locks: none. Called by: whoever completes a run.

create or replace function public.list_run_changes(p_job_run_id uuid, p_mentor_ids uuid [])
returns table (mentor_id uuid)
language sql
stable
security definer
set search_path = ''
as $$
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
'Those of the given mentors whose status the run changed, or of whom it told the portal.';
