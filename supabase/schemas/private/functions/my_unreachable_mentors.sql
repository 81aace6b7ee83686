-- The caller's mentors whom no e-mail reaches, and why (C2, W6), in one pass. Inactive mentors are left out.
-- list_unreachable_mentors gives pages of the same mentors.
-- Called by: get_tonight, list_my_mentors, list_undelivered.

create or replace function private.my_unreachable_mentors(p_org_id uuid)
returns table (mentor_id uuid, why text)
language plpgsql
stable
rows 100
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $$
#variable_conflict use_column
declare
    v_mine constant uuid [] := array(select private.my_org_mentors(p_org_id));
begin
    return query
    with refused as materialized (
        select a.* from private.refused_addresses(p_org_id) as a
    ),

    -- Materialised, because otherwise each address is hashed once for each refused one.
    addressed as materialized (
        select m.id, private.is_address(btrim(k.email)) as has_address, private.hash_address(btrim(k.email)) as address_hash
        from unnest(v_mine) as mine (id)
        inner join public.peer_mentors as m on m.id = mine.id
        left join public.mentor_contacts as k on k.mentor_id = m.id
        where m.status <> 'inactive'
    )

    select x.id, case when x.has_address then a.why else 'no_address' end
    from addressed as x
    left join refused as a on a.address_hash = x.address_hash
    where a.why is not null or x.has_address is not true;
end
$$;
comment on function private.my_unreachable_mentors is 'The caller''s mentors whom no e-mail reaches, and why.';
revoke execute on function private.my_unreachable_mentors from public, anon, authenticated;
