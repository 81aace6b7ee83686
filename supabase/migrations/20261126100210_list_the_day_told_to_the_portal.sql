-- list_portal_states as it was (20261126000760), and with the day that the portal was told, as long as the portal has
-- the mentor's present version (H1). The day is computed in the organisation's time zone otherwise. So a change of the
-- zone does not move the days of changes that the portal already has. list_all_portal_states calls this function.
-- Locks: none. Called by: the portal worker, once per page; the drift measurement.

create or replace function public.list_portal_states(p_org_id uuid, p_mentor_ids uuid [])
returns table (
    mentor_id uuid,
    portal_key text,
    status text,
    reason text,
    effective_on date,
    version integer,
    is_synced boolean,
    synced_by uuid,
    differs_since timestamptz
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_few('p_mentor_ids', cardinality(p_mentor_ids));
    select
        m.id,
        coalesce(m.portal_key, m.id::text),
        m.status,
        coalesce(
            (
                select h.reason from public.peer_mentor_status_history as h
                where h.mentor_id = m.id order by h.id desc limit 1
            ),
            'entered'
        ),
        case
            when s.synced_version = m.version and s.effective_on is not null then s.effective_on
            else (m.status_changed_at at time zone o.time_zone)::date
        end,
        m.version,
        s.synced_version is not distinct from m.version,
        s.job_run_id,
        case
            when s.synced_version = m.version then s.synced_at
            else coalesce(
                (
                    select h.changed_at from public.peer_mentor_status_history as h
                    where h.mentor_id = m.id order by h.id desc
                    offset greatest(m.version - coalesce(s.synced_version, 1), 1) - 1 limit 1
                ),
                m.status_changed_at
            )
        end
    from public.peer_mentors as m
    inner join public.organisations as o on o.id = m.org_id
    left join public.portal_sync_state as s on s.mentor_id = m.id
    where m.org_id = p_org_id and m.id = any(p_mentor_ids)
    order by m.id
$$;
comment on function public.list_portal_states is
'The states that the sync writes to the portal; the reason of a mentor who never changed is entered.';
revoke execute on function public.list_portal_states from public, anon, authenticated;
grant execute on function public.list_portal_states to service_role, portal_sync;
