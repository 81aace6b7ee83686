-- The coordinators who are responsible for mentors, by the rule of private.coordinated_mentors: by assignment or by
-- chapter, and as a member of the mentor's organisation.
-- Called by: private.notify_page, write_warnings, once for all their mentors.

create or replace function private.coordinators_of(p_mentor_ids uuid [])
returns table (mentor_id uuid, coordinator_id uuid)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select m.id, responsible.coordinator_id
    from public.peer_mentors as m
    cross join lateral (
        select a.coordinator_id
        from public.assignments as a
        where a.mentor_id = m.id and (a.ended_at is null or a.ended_at > clock_timestamp())
        union
        select cc.coordinator_id
        from public.coordinator_chapters as cc
        where cc.chapter_id = m.chapter_id
    ) as responsible
    inner join public.org_members as o on o.org_id = m.org_id and o.user_id = responsible.coordinator_id
    where m.id = any(p_mentor_ids)
$$;
comment on function private.coordinators_of is 'The responsible coordinators of each mentor.';
revoke execute on function private.coordinators_of from public, anon, authenticated;
