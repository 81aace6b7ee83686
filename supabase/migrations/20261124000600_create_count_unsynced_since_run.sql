-- How many mentors have changed since a sync run began and are unsynced still: they were not yet there
-- when it listed its pages, and another run that would have taken them was refused (H4). Those whom the
-- portal did not take are older and wait for the next night: they must not start run after run.
-- Locks: none. Called by: whoever completes a sync run, after it gave its lock back.

create function public.count_unsynced_since_run(p_job_run_id uuid)
returns bigint
language sql
stable
security definer
set search_path = ''
as $$
    select count(*)
    from public.scheduler_execution_log as l
    inner join public.peer_mentors as m
        on m.org_id = l.org_id and m.status_changed_at > l.started_at
        and m.status_changed_at <= clock_timestamp()
    left join public.portal_sync_state as s on s.mentor_id = m.id
    where
        l.job_run_id = p_job_run_id
        and l.status in ('running', 'completed', 'failed')
        and s.synced_version is distinct from m.version
$$;
comment on function public.count_unsynced_since_run is
'How many mentors changed while a sync run went on and were not told to the portal by it.';
revoke execute on function public.count_unsynced_since_run from public, anon, authenticated;
grant execute on function public.count_unsynced_since_run to service_role, mentor_pause_job, portal_sync;
