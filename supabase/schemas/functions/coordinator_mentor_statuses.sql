-- The mentors of one coordinator with status and latest certification, in id order (S4, S7). It pages by
-- keyset: p_after is the last id of the page before.
-- Called by: the app, for a coordinator; services, for any coordinator.
-- Errors: PT403 the caller asks about another coordinator, 22023 p_limit is out of bounds.

create or replace function public.coordinator_mentor_statuses(
    p_coordinator_id uuid, p_after uuid default null, p_limit integer default 100
)
returns table (
    mentor_id uuid,
    org_id uuid,
    chapter_id uuid,
    status text,
    version integer,
    status_changed_at timestamptz,
    certification_expiry_date date
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    -- Separate statements: inside the query PostgreSQL would not evaluate them for an empty result.
    select private.assert_caller_is(p_coordinator_id);
    select private.assert_limit(p_limit);
    select
        m.id, m.org_id, m.chapter_id, m.status, m.version, m.status_changed_at,
        private.clamp_day((select max(c.expires_on) from public.certifications as c where c.mentor_id = m.id))
    -- The ids of the page are selected first, so that only the rows of the page are read, by key. They begin with
    -- p_after, which is left out.
    from (
        select mine.id
        from private.coordinated_mentors(p_coordinator_id, p_after, null, p_limit + 1) as mine (id)
        where mine.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        order by mine.id
        limit p_limit
    ) as page
    inner join public.peer_mentors as m on m.id = page.id
    order by m.id
$$;
comment on function public.coordinator_mentor_statuses is
'A coordinator''s mentors with status, version and latest expiry date.';
revoke execute on function public.coordinator_mentor_statuses from public, anon, authenticated;
grant execute on function public.coordinator_mentor_statuses to authenticated, service_role;
