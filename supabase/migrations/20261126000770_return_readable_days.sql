-- get_mentor_status and the coordinator queries as they were (20261122011600 to 20261122011900), with days of expiry that programs can
-- read (R4) and pages of at most 1000 rows (R5).
-- Locks: none. Called by: the app, for people; services; the command line.
-- Errors: PT403 somebody else's mentors; PT404 for services; 22023 out of bounds.

create or replace function public.get_mentor_status(p_mentor_id uuid, p_org_id uuid)
returns table (
    mentor_id uuid,
    status text,
    version integer,
    status_changed_at timestamptz,
    certification_expiry_date date
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- Asked before the row is looked for: a caller who may not see it does the same whether it exists or not.
    if private.may_change(p_mentor_id) or p_org_id in (select private.my_admin_orgs()) then
        return query
        select
            m.id, m.status, m.version, m.status_changed_at,
            private.readable_day(
                (select max(c.expires_on) from public.certifications as c where c.mentor_id = m.id)
            )
        from public.peer_mentors as m
        where m.id = p_mentor_id and m.org_id = p_org_id;
    end if;
    if not found then
        perform private.refuse_mentor();
    end if;
end
$$;
comment on function public.get_mentor_status is
'A mentor''s status, version and latest expiry date, for those who may see it.';
revoke execute on function public.get_mentor_status from public, anon, authenticated;
grant execute on function public.get_mentor_status to authenticated, service_role;

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
    -- Statements of their own: within the query they would not be asked where no row comes that far.
    select private.assert_asks_for_self(p_coordinator_id);
    select private.assert_limit(p_limit);
    select
        m.id, m.org_id, m.chapter_id, m.status, m.version, m.status_changed_at,
        private.readable_day((select max(c.expires_on) from public.certifications as c where c.mentor_id = m.id))
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
'A coordinator''s mentors with status, version and latest expiry date.';
revoke execute on function public.coordinator_mentor_statuses from public, anon, authenticated;
grant execute on function public.coordinator_mentor_statuses to authenticated, service_role;

create or replace function public.coordinator_mentor_certifications(p_coordinator_id uuid, p_mentor_id uuid)
returns table (certification_id uuid, mentor_id uuid, expires_on date)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    -- A statement of its own: within the query it would not be asked where no row comes that far.
    select private.assert_asks_for_self(p_coordinator_id);
    select c.id, c.mentor_id, private.readable_day(c.expires_on)
    from public.certifications as c
    where
        c.mentor_id = p_mentor_id
        and c.mentor_id in (select private.coordinated_mentors(p_coordinator_id))
    order by c.expires_on desc, c.id
$$;
comment on function public.coordinator_mentor_certifications is
'The certifications of one of a coordinator''s mentors, latest first.';
revoke execute on function public.coordinator_mentor_certifications from public, anon, authenticated;
grant execute on function public.coordinator_mentor_certifications to authenticated, service_role;

create or replace function public.coordinator_mentor_history(
    p_coordinator_id uuid, p_mentor_id uuid, p_before bigint default null, p_limit integer default 100
)
returns setof public.peer_mentor_status_history
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    -- Statements of their own: within the query they would not be asked where no row comes that far.
    select private.assert_asks_for_self(p_coordinator_id);
    select private.assert_limit(p_limit);
    select h.*
    from public.peer_mentor_status_history as h
    where
        h.mentor_id = p_mentor_id
        and h.mentor_id in (select private.coordinated_mentors(p_coordinator_id))
        and h.id < coalesce(p_before, 9223372036854775807)
    order by h.id desc
    limit p_limit
$$;
comment on function public.coordinator_mentor_history is
'The history of one of a coordinator''s mentors, newest first.';
revoke execute on function public.coordinator_mentor_history from public, anon, authenticated;
grant execute on function public.coordinator_mentor_history to authenticated, service_role;
