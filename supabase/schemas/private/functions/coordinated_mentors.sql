-- The rule that says which mentors a coordinator is responsible for (S4), in one place for policies, reads
-- and changes: by assignment or by chapter, and only while the coordinator is a member of the mentor's
-- organisation. A coordinator who leaves the organisation loses all of them, and no assignment reaches
-- another organisation.
-- Called by: policies and functions, once per statement.

create or replace function private.coordinated_mentors(p_coordinator_id uuid)
returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select m.id
    from public.assignments as a
    inner join public.peer_mentors as m on m.id = a.mentor_id
    inner join public.org_members as o on o.org_id = m.org_id and o.user_id = a.coordinator_id
    where a.coordinator_id = p_coordinator_id and (a.ended_at is null or a.ended_at > clock_timestamp())
    union
    select m.id
    from public.coordinator_chapters as cc
    inner join public.peer_mentors as m on m.chapter_id = cc.chapter_id
    inner join public.org_members as o on o.org_id = m.org_id and o.user_id = cc.coordinator_id
    where cc.coordinator_id = p_coordinator_id
$$;
comment on function private.coordinated_mentors is
'The mentors of a coordinator, by assignment or by chapter.';
revoke execute on function private.coordinated_mentors from public, anon, authenticated;
