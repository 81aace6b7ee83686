-- Which of these mentors a run did change, whatever its worker managed to say (E8): asked at the end
-- for mentors that count as errors, since the change may have landed and only its answer been lost.
-- Locks: none. Called by: whoever completes a run.

create function public.list_run_changes(p_job_run_id uuid, p_mentor_ids uuid [])
returns table (mentor_id uuid)
language sql
stable
security definer
set search_path = ''
as $$
    select h.mentor_id
    from public.peer_mentor_status_history as h
    where h.job_run_id = p_job_run_id and h.mentor_id = any(p_mentor_ids)
    order by h.mentor_id
$$;
comment on function public.list_run_changes is 'Those of the given mentors whose status the run changed.';
revoke execute on function public.list_run_changes from public, anon, authenticated;
grant execute on function public.list_run_changes to service_role, mentor_pause_job, portal_sync;
