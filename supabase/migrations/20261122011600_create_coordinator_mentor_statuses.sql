-- The mentors of one coordinator with status and latest certification, in id order (S4, S7).
-- Locks: none. Called by: the app, for a coordinator; services, for anybody. It pages by keyset:
-- p_after is the last id of the page before. Errors: PT403 somebody else's mentors.

create function public.coordinator_mentor_statuses(
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
set search_path = ''
as $$
    -- A statement of its own: within the query it would not be asked where no row comes that far.
    select private.assert_asks_for_self(p_coordinator_id);
    select
        m.id, m.org_id, m.chapter_id, m.status, m.version, m.status_changed_at,
        (select max(c.expires_on) from public.certifications as c where c.mentor_id = m.id)
    -- The page is cut out of the ids first: the rows of one page are then read by their key.
    from (
        select mine.id
        from private.coordinated_mentors(p_coordinator_id) as mine (id)
        where mine.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        order by mine.id
        limit p_limit
    ) as page
    inner join public.peer_mentors as m on m.id = page.id
    order by m.id
$$;
comment on function public.coordinator_mentor_statuses is
'The mentors for whom a coordinator is responsible, with status, version and latest expiry date.';
revoke execute on function public.coordinator_mentor_statuses from public, anon, authenticated;
grant execute on function public.coordinator_mentor_statuses to authenticated, service_role;
