-- list_portal_states as it was (20261122020700), and with the run that told the portal and since when
-- the portal may differ (H5).
-- Locks: none. Called by: the portal worker, once per page; list_all_portal_states.
--
-- differs_since, where the portal does not hold this: the change that it was not told of, the first of
-- them if there were several (each raises the version by one and leaves a row of history); or, where it
-- was told, the moment it was.

drop function public.list_portal_states(uuid, uuid []);

create function public.list_portal_states(p_org_id uuid, p_mentor_ids uuid [])
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
set search_path = ''
as $$
    select
        m.id,
        coalesce(m.portal_key, m.id::pg_catalog.text),
        m.status,
        coalesce(
            (
                select h.reason from public.peer_mentor_status_history as h
                where h.mentor_id = m.id order by h.id desc limit 1
            ),
            'entered'
        ),
        (m.status_changed_at at time zone o.time_zone)::pg_catalog.date,
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
'What the portal is to be told of these mentors; the reason of one who never changed is entered.';
revoke execute on function public.list_portal_states from public, anon, authenticated;
grant execute on function public.list_portal_states to service_role, portal_sync;
