-- Records that the portal has a version of a mentor, and the day that was sent (H1). It never replaces a
-- later version by an older one.
-- Called by: the portal worker, once per mentor.
-- Locks: the mentor's row of the sync state.
-- Errors: 42501 not_your_organisation, 22023 an argument is out of bounds.

create or replace function public.mark_portal_synced(
    p_org_id uuid, p_mentor_id uuid, p_version integer, p_job_run_id uuid, p_effective_on date default null
)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_between('p_version', p_version, 1, 2147483647);
    perform private.assert_date('p_effective_on', p_effective_on);
    insert into public.portal_sync_state as s (mentor_id, synced_version, synced_at, job_run_id, effective_on)
    select m.id, p_version, clock_timestamp(), p_job_run_id, p_effective_on
    from public.peer_mentors as m
    where m.id = p_mentor_id and m.org_id = p_org_id and p_version <= m.version
    on conflict (mentor_id) do update set
        synced_version = excluded.synced_version,
        synced_at = excluded.synced_at,
        job_run_id = excluded.job_run_id,
        effective_on = case
            when s.synced_version = excluded.synced_version then coalesce(excluded.effective_on, s.effective_on)
            else excluded.effective_on
        end
    where s.synced_version <= excluded.synced_version;
    return found;
end
$$;
comment on function public.mark_portal_synced is
'Records the version that the portal has, and the day that was sent; false: it already has a later version.';
revoke execute on function public.mark_portal_synced from public, anon, authenticated;
grant execute on function public.mark_portal_synced to service_role, portal_sync;
