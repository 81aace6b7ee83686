-- One keyset page of what the portal should hold of every mentor, to be compared with what it does (H5).
-- Locks: none. Called by: the drift measurement.

create function public.list_all_portal_states(p_org_id uuid, p_after uuid, p_limit integer)
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
'What the portal should hold of every mentor, in id order, after p_after.';
revoke execute on function public.list_all_portal_states from public, anon, authenticated;
grant execute on function public.list_all_portal_states to service_role, portal_sync;
