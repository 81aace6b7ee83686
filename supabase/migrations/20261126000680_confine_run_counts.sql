-- count_run_renewals and count_unsynced_since_run as they were (20261124000900, 20261124000600), confined to the
-- organisations of the job role that asks (20261126000060).
-- Locks: none. Called by: the completion of a sync run; the command line.

create or replace function public.count_run_renewals(p_job_run_id uuid)
returns bigint
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.run_org(p_job_run_id);
    select count(distinct c.mentor_id) from public.certifications as c where c.job_run_id = p_job_run_id
$$;
comment on function public.count_run_renewals is 'How many mentors a run has found certified for longer.';
revoke execute on function public.count_run_renewals from public, anon, authenticated;
grant execute on function public.count_run_renewals to service_role, mentor_pause_job, portal_sync;

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
'How many mentors changed while a sync run went on and were not told to the portal by it.';
revoke execute on function public.count_unsynced_since_run from public, anon, authenticated;
grant execute on function public.count_unsynced_since_run to service_role, mentor_pause_job, portal_sync;
