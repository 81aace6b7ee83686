-- The coordinators who are responsible for mentors, by the rule of private.coordinated_mentors: by assignment or by
-- chapter, and as a member of the mentor's organisation.
-- Called by: private.notify_page, write_warnings, once for all their mentors.

create or replace function private.coordinators_of(p_mentor_ids uuid [])
returns table (mentor_id uuid, coordinator_id uuid)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select r.mentor_id, r.coordinator_id
    from (
        select m.id as mentor_id, m.org_id, a.coordinator_id
        from public.peer_mentors as m
        inner join public.assignments as a on a.mentor_id = m.id
        where m.id = any(p_mentor_ids) and (a.ended_at is null or a.ended_at > clock_timestamp())
        union
        select m.id, m.org_id, cc.coordinator_id
        from public.peer_mentors as m
        inner join public.coordinator_chapters as cc on cc.chapter_id = m.chapter_id
        where m.id = any(p_mentor_ids)
    ) as r
    inner join public.org_members as o on o.org_id = r.org_id and o.user_id = r.coordinator_id
$$;
comment on function private.coordinators_of is 'The responsible coordinators of each mentor.';
revoke execute on function private.coordinators_of from public, anon, authenticated;
