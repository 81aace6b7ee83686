-- The rule that says which mentors a coordinator is responsible for (S4), in one place for reads and changes: by
-- assignment or by chapter, and only while the coordinator is a member of the mentor's organisation. A
-- coordinator who leaves the organisation loses all of them, and no assignment reaches another organisation. The
-- policy of peer_mentors states the same rule by columns, so that it needs no list of mentors.
--
-- It returns the ids from p_first to p_last in order, at most p_limit; null: no bound. Each part reads an index
-- from p_first on and stops at p_limit, so a page costs the same everywhere, and one mentor (p_first = p_last)
-- costs a few lookups.
-- Called by: the coordinator queries, private.my_mentors.

create or replace function private.coordinated_mentors(
    p_coordinator_id uuid, p_first uuid default null, p_last uuid default null, p_limit integer default null
)
returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    (
        select a.mentor_id
        from public.assignments as a
        inner join public.peer_mentors as m
            -- The bounds are repeated: PostgreSQL does not conclude them, and may read all mentors before p_first.
            on m.id = a.mentor_id
            and m.id >= coalesce(p_first, '00000000-0000-0000-0000-000000000000')
            and m.id <= coalesce(p_last, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
        where
            a.coordinator_id = p_coordinator_id
            and (a.ended_at is null or a.ended_at > clock_timestamp())
            and a.mentor_id >= coalesce(p_first, '00000000-0000-0000-0000-000000000000')
            and a.mentor_id <= coalesce(p_last, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
            and m.org_id = any(array(select o.org_id from public.org_members as o where o.user_id = p_coordinator_id))
        order by a.mentor_id
        limit p_limit
    )
    union
    (
        select page.id
        from public.coordinator_chapters as cc
        cross join lateral (
            select m.id
            from public.peer_mentors as m
            where
                m.chapter_id = cc.chapter_id
                and m.id >= coalesce(p_first, '00000000-0000-0000-0000-000000000000')
                and m.id <= coalesce(p_last, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                and m.org_id = any(array(select o.org_id from public.org_members as o where o.user_id = p_coordinator_id))
            order by m.id
            limit p_limit
        ) as page
        where cc.coordinator_id = p_coordinator_id
    )
    order by 1
    limit p_limit
$$;
comment on function private.coordinated_mentors is
'The mentors of a coordinator, by assignment or by chapter, from p_first to p_last, at most p_limit; null: no bound.';
revoke execute on function private.coordinated_mentors from public, anon, authenticated;
