-- Counts the mentors who changed after a sync run began and who are still unsynced (H4). The run listed its
-- pages before they changed, and while it ran the dispatcher refused any other sync run. If there are any,
-- another sync run starts. Mentors that the portal rejected are excluded, because they changed before this
-- run. That prevents an endless loop.
-- Called by: the completion of a sync run, after it has released the lock.
-- Errors: 42501 not_your_organisation.

create or replace function public.count_unsynced_since_run(p_job_run_id uuid)
returns bigint
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.run_org(p_job_run_id);
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
'How many mentors changed after a sync run began and are not synced.';
revoke execute on function public.count_unsynced_since_run from public, anon, authenticated;
grant execute on function public.count_unsynced_since_run to service_role, mentor_pause_job, portal_sync;
