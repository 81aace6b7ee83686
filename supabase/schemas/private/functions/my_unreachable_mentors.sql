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
    )

    select r.id, r.why
    from (
        select
            m.id,
            case when private.is_address(btrim(k.email)) then (
                select a.why from refused as a where a.address_hash = private.hash_address(btrim(k.email))
            ) else 'no_address' end as why
        from unnest(v_mine) as mine (id)
        inner join public.peer_mentors as m on m.id = mine.id
        left join public.mentor_contacts as k on k.mentor_id = m.id
        where m.status <> 'inactive'
    ) as r
    where r.why is not null;
end
$$;
comment on function private.my_unreachable_mentors is 'The caller''s mentors whom no e-mail reaches, and why.';
revoke execute on function private.my_unreachable_mentors from public, anon, authenticated;
