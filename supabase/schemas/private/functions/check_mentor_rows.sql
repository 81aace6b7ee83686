-- The part of the self-check that looks at the rows of organisations, mentors and certifications (R6).
-- Constraints of our tables refuse most of these mistakes, but a view has no constraints, and somebody may
-- have dropped a constraint.
-- Called by: private.check_mapping, after it knows that tables and columns fit.

create or replace function private.check_mentor_rows()
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
        'then nobody sees all of its mentors; enter a member with the role admin'
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
        'the nightly job does not pause them; enter their certifications, or an expired one'
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
