-- What the portal is to be told of these mentors (H1): status, reason and day of the last change, and
-- whether it has that already.
-- Locks: none. Called by: the portal worker, once per page.

create function public.list_portal_states(p_org_id uuid, p_mentor_ids uuid [])
returns table (
    mentor_id uuid,
    portal_key text,
    status text,
    reason text,
    effective_on date,
    version integer,
    is_synced boolean
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
        s.synced_version is not distinct from m.version
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
