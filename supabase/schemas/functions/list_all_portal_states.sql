-- One keyset page of the state that the portal should hold for every mentor. The drift measurement compares
-- it with the portal (H5).
-- Called by: the drift measurement.
-- Errors: 42501 not_your_organisation, 22023 p_limit is out of bounds.

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
