-- The world of the access matrix: two organisations, their people, and data that is wrong on purpose.
-- {name} stands for an id in all these files; a cell of the matrix shows it as the one letter given here.
--
--   mentor            chapter    user     status, certification    coordinated by
--   a                 Oslo       mentor   active                   assign; former (no member any more)
--   b                 Bergen              paused                   assign, both, and second until 2099: several
--   c                 Tromso              inactive                 both
--   d                 none       second   paused, expired          assign, but it has ended
--   g                 Tromso     former   active                   nobody
--   e  other's        Utopia              active                   o_coord; assign, who is no member there
--   f  other's        Oslo (!)            active, expired          nobody of its own organisation
--
--   coordinator       chapters
--   chapt             Oslo
--   chapts            Oslo, Bergen: several; and Utopia (!), without being a member there
--   both              Bergen, beside two assignments, one of them to a mentor of Bergen
--   former            Oslo, and an assignment, but no member any more, though a mentor still
--   o_coord           Utopia
--   across            Tromso; and administers the other organisation

create temp table named (name text primary key, letter text not null);
insert into named values
('hlf', 'H'), ('other', 'N'), ('empty', 'E'),
('oslo', 'o'), ('bergen', 'b'), ('tromso', 't'), ('spare', 's'), ('utopia', 'u'),
('a', 'a'), ('b', 'b'), ('c', 'c'), ('d', 'd'), ('e', 'e'), ('f', 'f'), ('g', 'g'), ('missing', '!'),
('nobody', 'Z'), ('mentor', 'M'), ('assign', 'A'), ('second', 'S'), ('chapt', 'C'), ('chapts', 'K'),
('both', 'B'), ('former', 'F'), ('admin', 'D'), ('o_coord', 'P'), ('o_admin', 'Q'), ('across', 'X'),
('run', 'r'), ('new', 'n'), ('held', 'h'), ('asked', 'k'), ('o_held', 'i');

create function pg_temp.id(p_name text) returns uuid language sql stable as $$
    select md5('mentor-pause ' || name)::uuid from named where name = p_name
$$;

insert into public.organisations (id, slug)
select pg_temp.id(slug), slug from unnest(array['hlf', 'other', 'empty']) as slug;
-- The job roles act for hlf.
insert into private.job_organisations (role_name, org_id)
select role.name, pg_temp.id('hlf')
from unnest(array['mentor_pause_job', 'portal_sync', 'mentor_pause_api', 'mentor_pause_notifier']) as role (name);
insert into public.chapters (id, org_id, name)
select pg_temp.id(chapter), pg_temp.id(org), chapter
from (values ('oslo', 'hlf'), ('bergen', 'hlf'), ('tromso', 'hlf'), ('spare', 'hlf'), ('utopia', 'other'))
    as chapters (chapter, org);
insert into public.org_members (org_id, user_id, role)
select pg_temp.id(org), pg_temp.id(person), role
from (values
    ('hlf', 'admin', 'admin'), ('hlf', 'assign', 'coordinator'), ('hlf', 'second', 'coordinator'),
    ('hlf', 'chapt', 'coordinator'), ('hlf', 'chapts', 'coordinator'), ('hlf', 'both', 'coordinator'),
    ('other', 'o_admin', 'admin'), ('other', 'o_coord', 'coordinator'),
    ('other', 'across', 'admin'), ('hlf', 'across', 'coordinator')
) as members (org, person, role);
insert into public.coordinator_chapters (coordinator_id, chapter_id)
select pg_temp.id(person), pg_temp.id(chapter)
from (values
    ('chapt', 'oslo'), ('chapts', 'oslo'), ('chapts', 'bergen'), ('chapts', 'utopia'),
    ('both', 'bergen'), ('former', 'oslo'), ('o_coord', 'utopia'), ('across', 'tromso')
) as responsible (person, chapter);
insert into public.peer_mentors (id, org_id, chapter_id, user_id, status)
select pg_temp.id(mentor), pg_temp.id(org), pg_temp.id(chapter), pg_temp.id(person), status
from (values
    ('a', 'hlf', 'oslo', 'mentor', 'active'), ('b', 'hlf', 'bergen', null, 'paused'),
    ('c', 'hlf', 'tromso', null, 'inactive'), ('d', 'hlf', null, 'second', 'paused'),
    ('g', 'hlf', 'tromso', 'former', 'active'),
    ('e', 'other', 'utopia', null, 'active'), ('f', 'other', 'oslo', null, 'active')
) as mentors (mentor, org, chapter, person, status);
insert into public.certifications (mentor_id, expires_on)
select m.id, case when m.id in (pg_temp.id('d'), pg_temp.id('f')) then date '2020-01-01' else date '2099-01-01' end
from public.peer_mentors as m;
insert into public.assignments (mentor_id, coordinator_id, ended_at)
select pg_temp.id(mentor), pg_temp.id(person), ended_at
from (values
    ('a', 'assign', null), ('b', 'assign', null), ('d', 'assign', timestamptz '2020-01-01'),
    ('e', 'assign', null), ('b', 'second', timestamptz '2099-01-01'), ('b', 'both', null),
    ('c', 'both', null), ('a', 'former', null), ('e', 'o_coord', null)
) as assignments (mentor, person, ended_at);

-- held is the newest plan of hlf; nobody has approved it. The administrator asked for the run asked, whose plan is older.
insert into public.scheduler_execution_log (
    job_name, job_run_id, org_id, trigger, triggered_by, as_of, status, finished_at
)
select
    'certification_expiry', pg_temp.id(run), pg_temp.id(org), 'manual', 'user ' || pg_temp.id(person), '2026-01-01',
    'completed', now()
from (values ('asked', 'hlf', 'admin'), ('o_held', 'other', 'o_coord')) as runs (run, org, person);
insert into public.plans (
    job_run_id, org_id, as_of, dry_run, rule, made_at, brake_mode, brake_count, brake_percent, active_count, planned_count,
    unforeseen_count, held_count, brake_acts, plan_hash
)
select
    pg_temp.id(run), pg_temp.id(org), '2026-01-01', false, private.plan_rule(), made_at, 'hold', 0, 0, 2, 3, 3, 3, true,
    'hash of ' || run
from (values ('held', 'hlf', now()), ('asked', 'hlf', now() - interval '1 day'), ('o_held', 'other', now()))
    as plans (run, org, made_at);
insert into public.plan_mentors (job_run_id, mentor_id, version, expires_on, action, why)
select pg_temp.id(run), pg_temp.id(mentor), 1, '2020-01-01', action, 'never_warned'
from (values
    ('held', 'a', 'hold'), ('held', 'b', 'hold'), ('held', 'g', 'hold'), ('asked', 'a', 'pause'), ('asked', 'c', 'hold'),
    ('o_held', 'e', 'pause'), ('o_held', 'f', 'hold')
) as planned (run, mentor, action);
insert into public.plan_approvals (job_run_id, org_id, plan_hash, approved_by, note)
select pg_temp.id(run), pg_temp.id(org), 'hash of ' || run, 'user ' || pg_temp.id(person), 'the portal was right'
from (values ('asked', 'hlf', 'nobody'), ('o_held', 'other', 'o_admin')) as approvals (run, org, person);
insert into public.certification_changes (mentor_id, changed_by, from_expires_on, to_expires_on)
select pg_temp.id(mentor), 'portal', '2099-06-01', '2099-01-01' from unnest(array['a', 'b', 'e', 'f']) as mentor;

insert into public.peer_mentor_status_history (
    mentor_id, org_id, previous_status, new_status, reason, changed_at, changed_by_role
)
select m.id, m.org_id, 'inactive', 'active', 'welcome', now(), 'service' from public.peer_mentors as m;
insert into public.portal_sync_state (mentor_id, synced_version)
select m.id, 1 from public.peer_mentors as m where m.id <> pg_temp.id('f');
insert into public.portal_differences (org_id, measured_at, differing_count, differences)
select pg_temp.id(org), now(), 0, '[]' from unnest(array['hlf', 'other']) as org;
insert into public.portal_watermarks (org_id, watermark) values (pg_temp.id('hlf'), '2026-01-01');
insert into public.scheduler_execution_log (job_name, job_run_id, org_id, trigger, triggered_by, status)
select 'certification_expiry', gen_random_uuid(), org_id, 'schedule', 'event', 'running'
from unnest(array[pg_temp.id('hlf'), pg_temp.id('other'), null]) as org_id;
insert into public.scheduler_execution_log (
    job_name, job_run_id, org_id, trigger, triggered_by, status, finished_at, paused_count
) values ('certification_expiry', gen_random_uuid(), pg_temp.id('empty'), 'manual', 'me', 'completed', now(), 3);
-- An address of b has bounced. d, e and g have no address, and c has no contact.
insert into public.mentor_contacts (mentor_id, display_name, email)
select pg_temp.id(mentor), 'Mentor ' || mentor, email
from (values
    ('a', 'a@example.no'), ('b', 'b@example.no'), ('d', null), ('e', null), ('f', 'f@example.no'), ('g', null)
) as contacts (mentor, email);
insert into public.member_contacts (org_id, user_id, display_name, email)
select pg_temp.id(org), pg_temp.id(person), 'Member ' || person, person || '@example.no'
from (values ('hlf', 'assign'), ('hlf', 'admin'), ('hlf', 'across'), ('other', 'o_coord')) as contacts (org, person);
insert into public.organisation_settings (org_id) select pg_temp.id(org) from unnest(array['hlf', 'other']) as org;
insert into public.warnings (mentor_id, expires_on, stage, warned_on)
select pg_temp.id(mentor), '2099-01-01', 90, '2098-10-03' from unnest(array['a', 'b', 'e', 'g']) as mentor;
insert into public.digests (id, org_id, person_id, day, state, address_hash)
select gen_random_uuid(), pg_temp.id(org), pg_temp.id(person), '2026-01-01', state, private.hash_address(email)
from (values
    ('hlf', 'assign', 'sent', 'assign@example.no'), ('hlf', 'mentor', 'delivered', 'a@example.no'),
    ('hlf', 'b', 'bounced', 'b@example.no'), ('other', 'o_coord', 'unknown', 'o_coord@example.no')
) as digests (org, person, state, email);
-- b has no account, so the message names the mentor. across coordinates c here, and administers the other one.
insert into public.messages (org_id, audience, person_id, kind, mentor_ids, job_run_id)
select
    pg_temp.id(org), audience, pg_temp.id(person), kind, array[pg_temp.id(mentor)],
    case when kind <> 'warning' then gen_random_uuid() end
from (values
    ('hlf', 'coordinator', 'assign', 'paused', 'a'), ('hlf', 'coordinator', 'former', 'paused', 'a'),
    ('other', 'coordinator', 'o_coord', 'renewed', 'e'), ('hlf', 'coordinator', 'across', 'warning', 'c'),
    ('hlf', 'mentor', 'mentor', 'paused', 'a'), ('hlf', 'mentor', 'former', 'warning', 'g'),
    ('hlf', 'mentor', 'b', 'paused', 'b'), ('hlf', 'admin', 'admin', 'held', 'a')
) as told (org, audience, person, kind, mentor);
