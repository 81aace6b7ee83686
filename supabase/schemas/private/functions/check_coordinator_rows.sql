-- The part of the self-check that looks at the rows of members, coordinators and assignments (R6).
-- Constraints of our tables refuse most of these mistakes, but a view has no constraints, and somebody may
-- have dropped a constraint.
-- Called by: private.check_mapping, after it knows that tables and columns fit.

create or replace function private.check_coordinator_rows()
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
        format('responsible for mentors, but not a member of their organisation: %s, for example %s', count(distinct r.coordinator_id),
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
    select 'coordinators', 'wrong', format('assignments that occur several times: %s, for example of mentor %s', count(*),
        min(twice.mentor_id::text)),
        'let the view show a pair of mentor and coordinator once'
    from (
        select a.mentor_id from current_assignments as a
        group by a.mentor_id, a.coordinator_id having count(*) > 1
    ) as twice
    having count(*) > 0
    union all
    select 'contacts', 'wrong', format('mentors with several contacts: %s, for example %s', count(*), min(twice.mentor_id::text)),
        'let the view show a mentor once'
    from (
        select k.mentor_id from public.mentor_contacts as k where k.mentor_id is not null
        group by k.mentor_id having count(*) > 1
    ) as twice
    having count(*) > 0
    union all
    select 'contacts', 'wrong', format('members with several contacts: %s, for example %s', count(*), min(twice.user_id::text)),
        'let the view show a member of an organisation once'
    from (
        select k.user_id from public.member_contacts as k where k.user_id is not null
        group by k.org_id, k.user_id having count(*) > 1
    ) as twice
    having count(*) > 0
    union all
    select 'contacts', 'note', format('%s that no e-mail can be sent to: %s, for example of %s', c.of_whom, count(*), min(c.id::text)),
        'the coordinators see such mentors as not reachable (no_address); correct the address, or leave it empty'
    from (
        select 'addresses of mentors' as of_whom, k.mentor_id as id, k.email from public.mentor_contacts as k
        union all
        select 'addresses of members', k.user_id, k.email from public.member_contacts as k
    ) as c
    where c.email <> '' and not private.is_address(c.email)
    group by c.of_whom
$$;
comment on function private.check_coordinator_rows is 'Findings about members, coordinators and assignments.';
revoke execute on function private.check_coordinator_rows from public, anon, authenticated;
