-- The mentors of the caller who cannot be reached by e-mail (W6): a coordinator's own mentors, or all of the
-- organisation for an administrator, in id order. Inactive mentors are left out. It pages by keyset: p_after is the last
-- mentor of the page before.
-- It looks up each of the caller's mentors in the indexes, because a join with all mentors of the organisation costs
-- more. Most mentors can be reached, so it takes 5,000 of a coordinator's mentors at a time, then twice as many.
-- Called by: the app and the console, for people.
-- Errors: 22023 p_limit is out of bounds.

create or replace function public.list_unreachable_mentors(
    p_org_id uuid, p_after uuid default null, p_limit integer default 100
)
returns table (mentor_id uuid, why text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_hashjoin = 'off'
set enable_mergejoin = 'off'
set enable_seqscan = 'off'
as $$
declare
    v_after uuid := p_after;
    v_left integer := p_limit;
    v_size integer := 5000;
    v_ids uuid [];
    v_found integer;
begin
    perform private.assert_limit(p_limit);
    if p_org_id in (select private.my_admin_orgs()) then
        return query
        select m.id, u.why
        from public.peer_mentors as m
        left join public.mentor_contacts as k on k.mentor_id = m.id
        cross join lateral private.why_unreachable(p_org_id, k.email) as u (why)
        where m.org_id = p_org_id and m.status <> 'inactive'
            and m.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000') and u.why is not null
        order by m.id
        limit p_limit;
        return;
    end if;
    loop
        v_ids := array(
            select mine.id
            from private.coordinated_mentors(private.user_id(), v_after, null, v_size + 1) as mine (id)
            where mine.id is distinct from v_after
            order by mine.id
        );
        return query
        select m.id, u.why
        from unnest(v_ids) as mine (id)
        inner join public.peer_mentors as m on m.id = mine.id
        left join public.mentor_contacts as k on k.mentor_id = m.id
        cross join lateral private.why_unreachable(p_org_id, k.email) as u (why)
        where m.org_id = p_org_id and m.status <> 'inactive' and u.why is not null
        order by m.id
        limit v_left;
        get diagnostics v_found = row_count;
        v_left := v_left - v_found;
        exit when v_left = 0 or cardinality(v_ids) < v_size;
        v_after := v_ids[cardinality(v_ids)];
        v_size := v_size * 2;
    end loop;
end
$$;
comment on function public.list_unreachable_mentors is
'The caller''s mentors whom no e-mail reaches, and why: no_address, bounced, bounced_for_now, complained, suppressed.';
revoke execute on function public.list_unreachable_mentors from public, anon, authenticated, service_role;
grant execute on function public.list_unreachable_mentors to authenticated;
