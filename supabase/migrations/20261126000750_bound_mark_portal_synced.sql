-- mark_portal_synced as it was (20261124000200), confined to the organisations of the job role that asks (20261126000060) and with
-- bounded arguments (20261126000070).
-- Locks: the mentor's row of the sync state. Called by: the portal worker, once per mentor.

create or replace function public.mark_portal_synced(
    p_org_id uuid, p_mentor_id uuid, p_version integer, p_job_run_id uuid
)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_between('p_version', p_version, 1, 2147483647);
    insert into public.portal_sync_state as s (mentor_id, synced_version, synced_at, job_run_id)
    select m.id, p_version, clock_timestamp(), p_job_run_id
    from public.peer_mentors as m
    where m.id = p_mentor_id and m.org_id = p_org_id and p_version <= m.version
    on conflict (mentor_id) do update set
        synced_version = excluded.synced_version,
        synced_at = excluded.synced_at,
        job_run_id = excluded.job_run_id
    where s.synced_version <= excluded.synced_version;
    return found;
end
$$;
comment on function public.mark_portal_synced is
'Notes the version that the portal has; false: it already has a later version.';
revoke execute on function public.mark_portal_synced from public, anon, authenticated;
grant execute on function public.mark_portal_synced to service_role, portal_sync;
