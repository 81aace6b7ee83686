-- list_portal_states and list_all_portal_states as it was (20261124000300, 20261124000400), confined to the organisations of the job role that asks (20261126000060) and with
-- bounded arguments (20261126000070).
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
        (m.status_changed_at at time zone o.time_zone)::date,
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

create or replace function public.list_all_portal_states(p_org_id uuid, p_after uuid, p_limit integer)
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
    select private.assert_between('p_limit', coalesce(p_limit, 0), 1, 500);
    select s.*
    from public.list_portal_states(
        p_org_id,
        array(
            select m.id
            from public.peer_mentors as m
            where m.org_id = p_org_id and m.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
            order by m.id
            limit p_limit
        )
    ) as s
    order by s.mentor_id
$$;
comment on function public.list_all_portal_states is
'The state that the portal should hold for every mentor, in id order, after p_after.';
revoke execute on function public.list_all_portal_states from public, anon, authenticated;
grant execute on function public.list_all_portal_states to service_role, portal_sync;
