-- The state to be written to the portal for these mentors (H1): status, reason and day of the last change,
-- and whether the portal has it already.
--
-- While the portal has the mentor's present version, effective_on is the day that was sent to the portal.
-- Otherwise it is computed in the organisation's time zone. So a change of the time zone does not move the
-- days that the portal already has.
--
-- differs_since is since when the portal may differ (H5). If the portal has the present version, it is the
-- moment at which it got that version. Otherwise it is the moment of the first change that the portal has not
-- got: each change raises the version by one and leaves a row of history.
-- Called by: the portal worker, once per page; list_all_portal_states.
-- Errors: 42501 not_your_organisation, 22023 more than 500 ids.

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
    select private.assert_array_size('p_mentor_ids', cardinality(p_mentor_ids));
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
'The states that the sync writes to the portal; for a mentor whose status never changed the reason is entered.';
revoke execute on function public.list_portal_states from public, anon, authenticated;
grant execute on function public.list_portal_states to service_role, portal_sync;
