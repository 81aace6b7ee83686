-- The rule of the nightly job, in one place (E1): the active mentors of an organisation whose latest certification
-- expired on or before p_as_of, in id order, after p_after (null: from the first one), at most p_limit (null: all).
--
-- It takes the active mentors in windows of growing size, and groups the certifications between the first and the
-- last mentor of a window. So PostgreSQL reads a range of each index once, and does not look up every mentor. If many
-- mentors have expired, one small window fills the page. If nobody has, the windows grow, and few are needed.
-- The query joins nothing, because the planner cannot estimate a range that is shorter than a part of its histogram,
-- and would choose a slow join. `offset 0` keeps it from looking up every element of the array in the index.
-- Called by: list_expired_mentors, count_stale_active_mentors, private.plan_page.

create or replace function private.expired_mentors(p_org_id uuid, p_as_of date, p_after uuid, p_limit integer)
returns table (mentor_id uuid, expires_on date)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $$
#variable_conflict use_column
declare
    v_after uuid := coalesce(p_after, '00000000-0000-0000-0000-000000000000');
    v_size integer := 2 * coalesce(p_limit, 25000);
    v_left integer := p_limit;
    v_window uuid [];
    v_found integer;
begin
    loop
        v_window := array(
            select m.id from public.peer_mentors as m
            where m.org_id = p_org_id and m.status = 'active' and m.id > v_after
            order by m.id
            limit v_size
        );
        return query
        select expired.mentor_id, expired.expires_on
        from (
            select c.mentor_id, max(c.expires_on) as expires_on
            from public.certifications as c
            where c.mentor_id > v_after and c.mentor_id <= v_window[cardinality(v_window)]
            group by c.mentor_id
            having max(c.expires_on) <= p_as_of
            offset 0
        ) as expired
        where expired.mentor_id = any(v_window)
        order by expired.mentor_id
        limit v_left;
        get diagnostics v_found = row_count;
        v_left := v_left - v_found;
        exit when v_left = 0 or cardinality(v_window) < v_size;
        v_after := v_window[cardinality(v_window)];
        v_size := least(4 * v_size, 50000);
    end loop;
end
$$;
comment on function private.expired_mentors is
'Active mentors with an expired certification, and its date, in id order, after p_after; at most p_limit, null: all.';
revoke execute on function private.expired_mentors from public, anon, authenticated;
