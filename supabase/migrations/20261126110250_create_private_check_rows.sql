-- The parts of the self-check that look at the rows themselves (R6). Constraints of our tables refuse most of this; a view has
-- no constraints, and a constraint may have been dropped.
-- Locks: none. Called by: private.check_mapping, after tables and columns are known to fit.

create function private.check_mentor_rows()
returns table (area text, level text, finding text, what_to_do text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select 'organisations', 'wrong', 'there is no organisation', 'insert one into public.organisations'
    where not exists (select from public.organisations)
    union all
    select 'organisations', 'wrong', format('organisation %s has the time zone %s', o.slug, coalesce(quote_literal(o.time_zone), 'null')),
        'set time_zone to a name such as Europe/Oslo'
    from public.organisations as o where private.is_time_zone(o.time_zone) is not true
    union all
    select 'organisations', 'note', format('organisation %s has no administrator', o.slug),
        'nobody sees all of its mentors; enter a member with the role admin'
    from public.organisations as o
    where not exists (select from public.org_members as m where m.org_id = o.id and m.role = 'admin')
    union all
    select 'mentors', 'note', 'there is no mentor', 'fill public.peer_mentors'
    where not exists (select from public.peer_mentors)
    union all
    select 'mentors', 'wrong', format('mentors of an unknown organisation: %s, for example %s', count(*), min(m.id::text)),
        'give them an org_id of public.organisations'
    from public.peer_mentors as m
    where not exists (select from public.organisations as o where o.id = m.org_id) having count(*) > 0
    union all
    select 'mentors', 'wrong', format('mentors of an unknown chapter: %s, for example %s', count(*), min(m.id::text)),
        'give them a chapter_id of public.chapters, or null'
    from public.peer_mentors as m
    where m.chapter_id is not null and not exists (select from public.chapters as c where c.id = m.chapter_id) having count(*) > 0
    union all
    select 'mentors', 'wrong', format('mentors in a chapter of another organisation: %s, for example %s', count(*), min(m.id::text)),
        'correct org_id or chapter_id'
    from public.peer_mentors as m inner join public.chapters as c on c.id = m.chapter_id
    where c.org_id <> m.org_id having count(*) > 0
    union all
    select 'mentors', 'wrong', format('mentors with the unknown status %L: %s, for example %s', m.status, count(*), min(m.id::text)),
        'map it onto active, paused or inactive'
    from public.peer_mentors as m
    where (m.status in ('active', 'paused', 'inactive')) is not true group by m.status
    union all
    select 'mentors', 'wrong', format('mentors share the portal key %L: %s, for example %s', min(m.portal_key), count(*), min(m.id::text)),
        'give each mentor a key of their own; upper and lower case are the same'
    from public.peer_mentors as m
    where m.portal_key is not null group by m.org_id, private.fold_key(m.portal_key) having count(*) > 1
    union all
    select 'certifications', 'wrong', 'public.certifications is a view, and the portal sync, which has run here, writes to it',
        'keep our table, and let a trigger fill it; docs/adopting.md has the statements'
    from pg_class as c
    where
        c.oid = to_regclass('public.certifications') and c.relkind = 'v'
        and (exists (select from public.portal_watermarks) or exists (select from public.portal_sync_state))
    union all
    select 'certifications', 'note', format('active mentors without any certification: %s, for example %s', count(*), min(m.id::text)),
        'no night pauses them; enter their certifications, or an expired one'
    from public.peer_mentors as m
    where m.status = 'active' and not exists (select from public.certifications as c where c.mentor_id = m.id) having count(*) > 0
    union all
    select 'certifications', 'wrong', format('certifications of unknown mentors: %s, for example of mentor %s', count(*),
        coalesce(min(c.mentor_id::text), 'null')),
        'map the key of the mentor to the id in public.peer_mentors'
    from public.certifications as c
    where not exists (select from public.peer_mentors as m where m.id = c.mentor_id) having count(*) > 0
    union all
    select 'certifications', 'wrong', format('certifications without a day: %s, for example of mentor %s', count(*), min(c.mentor_id::text)),
        'leave them out, or write infinity if they never expire'
    from public.certifications as c where c.expires_on is null having count(*) > 0
    union all
    select 'certifications', 'note', format('certifications that expired before 1990: %s, for example of mentor %s', count(*),
        min(c.mentor_id::text)),
        'compare them with their source: a year of two digits, or a day and a month that changed places'
    from public.certifications as c where c.expires_on < date '1990-01-01' having count(*) > 0
$$;
comment on function private.check_mentor_rows is 'Findings about organisations, mentors and certifications.';
revoke execute on function private.check_mentor_rows from public, anon, authenticated;

create function private.check_coordinator_rows()
returns table (area text, level text, finding text, what_to_do text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    with current_assignments as (
        select a.mentor_id, a.coordinator_id from public.assignments as a
        where a.ended_at is null or a.ended_at > statement_timestamp()
    ),

    responsible as (
        select a.coordinator_id, m.org_id
        from current_assignments as a inner join public.peer_mentors as m on m.id = a.mentor_id
        union
        select cc.coordinator_id, c.org_id
        from public.coordinator_chapters as cc inner join public.chapters as c on c.id = cc.chapter_id
    ),

    without_account (table_name, of_row) as (
        select 'assignments', 'mentor ' || a.mentor_id from current_assignments as a where a.coordinator_id is null
        union all
        select 'coordinator_chapters', 'chapter ' || cc.chapter_id from public.coordinator_chapters as cc where cc.coordinator_id is null
    )

    select 'coordinators', 'wrong', format('members with the unknown role %L: %s, for example %s', m.role, count(*), min(m.user_id::text)),
        'map it onto admin or coordinator, or leave them out'
    from public.org_members as m
    where (m.role in ('admin', 'coordinator')) is not true group by m.role
    union all
    select 'coordinators', 'wrong', format('members of an unknown organisation: %s, for example %s', count(*), min(m.user_id::text)),
        'give them an org_id of public.organisations'
    from public.org_members as m
    where not exists (select from public.organisations as o where o.id = m.org_id) having count(*) > 0
    union all
    select 'coordinators', 'wrong',
        format('responsible for mentors, but in no organisation of theirs: %s, for example %s', count(distinct r.coordinator_id),
            min(r.coordinator_id::text)),
        'enter them in public.org_members; until then they see no mentor and get no notification'
    from responsible as r
    where r.coordinator_id is not null
        and not exists (select from public.org_members as m where m.org_id = r.org_id and m.user_id = r.coordinator_id)
    having count(*) > 0
    union all
    select 'coordinators', 'wrong',
        format('public.%s.coordinator_id is empty: %s, for example of %s', w.table_name, count(*), min(w.of_row)),
        'the coordinator has no account: give them one, or leave the rows out (where ... is not null)'
    from without_account as w group by w.table_name
    union all
    select 'coordinators', 'wrong', format('assignments of unknown mentors: %s, for example %s', count(*),
        coalesce(min(a.mentor_id::text), 'null')),
        'map the key of the mentor to the id in public.peer_mentors'
    from public.assignments as a
    where not exists (select from public.peer_mentors as m where m.id = a.mentor_id) having count(*) > 0
    union all
    select 'coordinators', 'wrong', format('coordinators of unknown chapters: %s, for example %s', count(*), min(cc.coordinator_id::text)),
        'map the key of the chapter to the id in public.chapters'
    from public.coordinator_chapters as cc
    where not exists (select from public.chapters as c where c.id = cc.chapter_id) having count(*) > 0
    union all
    select 'coordinators', 'wrong', format('assignments that are there several times: %s, for example of mentor %s', count(*),
        min(twice.mentor_id::text)),
        'let the view show a pair of mentor and coordinator once'
    from (
        select a.mentor_id from current_assignments as a
        group by a.mentor_id, a.coordinator_id having count(*) > 1
    ) as twice
    having count(*) > 0
$$;
comment on function private.check_coordinator_rows is 'Findings about members, coordinators and assignments.';
revoke execute on function private.check_coordinator_rows from public, anon, authenticated;
