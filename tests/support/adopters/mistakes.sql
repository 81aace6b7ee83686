-- Mistakes in the mapping of valley.sql, one at a time: level | mistake | how the self-check's finding begins.

-- wrong | a table is missing | public.assignments is missing
drop view public.assignments;

-- wrong | a column has another name | public.chapters has no column name
alter table public.chapters rename name to title;

-- wrong | a column of a view has another name | public.certifications has no column expires_on
alter view public.certifications rename column expires_on to valid_to;

-- wrong | a column has another type | public.certifications.expires_on has the type timestamp with time zone instead of date
drop view public.certifications;
create view public.certifications with (security_invoker = true) as
select
    c.licence_uuid as id, c.person as mentor_id, c.ends_at as expires_on,
    null::text as portal_id, null::timestamptz as portal_modified_on, null::uuid as seen_by_run_id, null::uuid as job_run_id
from public.licences as c;
grant select on public.certifications to authenticated, service_role;

-- wrong | an integer key | public.certifications.mentor_id has the type bigint instead of uuid
drop view public.certifications;
create view public.certifications with (security_invoker = true) as
select
    c.licence_uuid as id, c.id as mentor_id, c.ends_at::date as expires_on,
    null::text as portal_id, null::timestamptz as portal_modified_on, null::uuid as seen_by_run_id, null::uuid as job_run_id
from public.licences as c;
grant select on public.certifications to authenticated, service_role;

-- wrong | a materialised view | public.certifications is a materialised view
create schema old;
alter view public.certifications set schema old;
create materialized view public.certifications as select * from old.certifications;

-- wrong | a view with the rights of its owner | the view public.certifications shows its rows to everybody who may read it
alter view public.certifications reset (security_invoker);

-- wrong | grants by default privileges | anon may delete, insert, references, select, trigger, truncate, update on public.certifications
drop view public.certifications;
create view public.certifications with (security_invoker = true) as
select
    c.licence_uuid as id, c.person as mentor_id, c.ends_at::date as expires_on,
    null::text as portal_id, null::timestamptz as portal_modified_on, null::uuid as seen_by_run_id, null::uuid as job_run_id
from public.licences as c;
grant select on public.certifications to authenticated, service_role;

-- wrong | people cannot read a view | authenticated may not read public.assignments
revoke select on public.assignments from authenticated;

-- wrong | the app's back end cannot read a view | service_role may not read public.assignments
revoke select on public.assignments from service_role;

-- wrong | everything is granted anew | service_role may change public.peer_mentors.status
grant all on all tables in schema public to anon, authenticated, service_role;

-- wrong | functions are granted anew | anon may execute public.update_mentor_status
grant execute on all functions in schema public to anon;

-- wrong | an adopter's table without row-level security | everybody who is signed in reads public.licences through public.certifications
alter table public.licences disable row level security;

-- wrong | a table of ours without row-level security | row-level security is off, or has no policy, on public.peer_mentors
alter table public.peer_mentors disable row level security;

-- wrong | a policy that went with a table | row-level security is off, or has no policy, on public.messages
drop policy own_or_as_admin on public.messages;

-- wrong | an index is missing | a query of public.certifications by mentor_id reads the whole of public.licences
drop index public.licences_person_idx;

-- wrong | an index that begins with another column | a query of public.assignments by mentor_id reads the whole of public.guidance
drop index public.guidance_person_idx;
create index on public.guidance (guide, person);

-- wrong | mentors of an unknown organisation | mentors of an unknown organisation: 1, for example
alter table public.peer_mentors drop constraint peer_mentors_org_id_fkey;
update public.peer_mentors set org_id = gen_random_uuid()
where id = (select id from public.peer_mentors where status = 'active' order by portal_key limit 1);

-- wrong | mentors of an unknown chapter | mentors of an unknown chapter: 1, for example
alter table public.peer_mentors drop constraint peer_mentors_chapter_id_fkey;
update public.peer_mentors set chapter_id = gen_random_uuid()
where id = (select id from public.peer_mentors where status = 'active' order by portal_key limit 1);

-- wrong | a chapter of another organisation | mentors in a chapter of another organisation: 
insert into public.organisations (slug) values ('other');
update public.chapters set org_id = (select id from public.organisations where slug = 'other') where name = 'North';

-- wrong | a portal key twice | mentors share the portal key 'ÅS-1': 2, for example
drop index public.peer_mentors_portal_key_idx;
update public.peer_mentors set portal_key = 'ÅS-1'
where id = (select id from public.peer_mentors where status = 'active' order by portal_key limit 1);
update public.peer_mentors set portal_key = 'ås-1' where portal_key = '12';

-- wrong | an unknown status | mentors with the unknown status 'resting': 1, for example
alter table public.peer_mentors drop constraint peer_mentors_status_check;
update public.peer_mentors set status = 'resting'
where id = (select id from public.peer_mentors where status = 'active' order by portal_key limit 1);

-- wrong | certifications of unknown mentors | certifications of unknown mentors: 1, for example of mentor null
insert into public.licences (person, ends_at) values (gen_random_uuid(), now());

-- wrong | a view though the portal is on | public.certifications is a view, and the portal sync, which has run here, writes to it
insert into public.portal_watermarks (org_id) select id from public.organisations;

-- wrong | certifications without a day | certifications without a day: 1, for example of mentor
insert into public.licences (person)
select (select id from public.peer_mentors where status = 'active' order by portal_key limit 1);

-- wrong | a coordinator in no organisation | responsible for mentors, but not a member of their organisation: 1, for example
delete from public.officers where kind = 'guide' and login = public.account(3);

-- wrong | members with an unknown role | members with the unknown role 'boss': 2, for example
alter table public.org_members drop constraint org_members_role_check;
update public.org_members set role = 'boss' where role = 'admin';

-- wrong | members of an unknown organisation | members of an unknown organisation: 1, for example
alter table public.org_members drop constraint org_members_org_id_fkey;
insert into public.org_members values (gen_random_uuid(), public.account(1), 'admin');

-- wrong | an assignment twice | assignments that occur several times: 1, for example of mentor
insert into public.guidance select g.* from public.guidance as g where g.is_current limit 1;

-- wrong | assignments of unknown mentors | assignments of unknown mentors: 1, for example
insert into public.guidance values (public.account(3), gen_random_uuid());

-- wrong | coordinators of unknown chapters | coordinators of unknown chapters: 1, for example
create or replace view public.coordinator_chapters with (security_invoker = true) as
select g.login as coordinator_id, gen_random_uuid() as chapter_id from public.section_guides as g;

-- wrong | a mentor's coordinator without an account | public.assignments.coordinator_id is empty: 1, for example of mentor
alter table public.guidance alter column guide drop not null;
update public.guidance set guide = null where person = (select person from app.people where portal_no = 12);

-- wrong | a chapter's coordinator without an account | public.coordinator_chapters.coordinator_id is empty: 1, for example of chapter
create or replace view public.coordinator_chapters with (security_invoker = true) as
select null::uuid as coordinator_id, s.section_uuid as chapter_id
from public.section_guides as g inner join public.sections as s on s.code = g.section;

-- wrong | no organisation | there is no organisation
set local session_replication_role = replica;
delete from public.organisations;
set local session_replication_role = origin;

-- wrong | a job role without organisation | the role portal_sync acts for no organisation
delete from private.job_organisations where role_name = 'portal_sync';

-- wrong | no time zone | organisation hlf has the time zone 'Oslo'
alter table public.organisations drop constraint organisations_time_zone_check;
update public.organisations set time_zone = 'Oslo';

-- wrong | a trigger is missing | the trigger restart_portal_reading on public.peer_mentors is missing
drop trigger restart_portal_reading on public.peer_mentors;

-- wrong | a trigger is disabled | the trigger restart_portal_reading on public.peer_mentors is disabled
alter table public.peer_mentors disable trigger all;

-- wrong | a guard can be switched off by a session | the trigger refuse_delete on public.peer_mentor_status_history is not enabled always
alter table public.peer_mentor_status_history enable trigger refuse_delete;

-- wrong | the adopter's trigger is disabled | the trigger keep_in_step on app.people is disabled
alter table app.people disable trigger keep_in_step;

-- wrong | the mapping's organisation is missing | an update of app.people fails: relation "adopted.organisation" does not exist
alter table adopted.organisation rename to another;

-- wrong | a trigger that does not see truncate | no trigger notices a truncate of app.people
drop trigger refuse_truncate on app.people;

-- wrong | no trigger for mentors | no trigger keeps public.peer_mentors in step with adopted.peer_mentors
drop trigger keep_in_step on app.people;

-- wrong | no trigger for chapters | no trigger keeps public.chapters in step with adopted.chapters
drop trigger keep_in_step on public.sections;

-- wrong | a trigger whose function names no column | an update of app.people fails: record "old" has no field "person"
alter table app.people rename column person to person_id;

-- wrong | a disabled trigger that runs a function by its name | the trigger keep_in_step on public.officers is disabled
alter table public.officers disable trigger keep_in_step;

-- wrong | the app changed a status of its own | statuses of adopted.peer_mentors have changed since the mentors were entered: 1, for
update app.people set condition = 'gone' where portal_no = 12;

-- wrong | a mentor whom a trigger missed | rows of adopted.peer_mentors that differ from public.peer_mentors or are missing there: 1, for example
drop trigger keep_in_step on app.people;
update app.people set portal_no = 999 where portal_no = 12;

-- wrong | a member who is none any more | rows of public.org_members that adopted.org_members does not have: 1, for example
drop trigger keep_in_step on public.officers;
delete from public.officers where login = public.account(1);

-- wrong | a chapter that is none any more | rows of public.chapters that adopted.chapters does not have: 1, for example
insert into public.chapters (org_id, name) select id, 'Gone' from public.organisations;

-- wrong | a view in other types | adopted.chapters has other types: id is character varying(8) instead of uuid
alter view adopted.chapters rename to kept;
create view adopted.chapters as select s.code as id, s.label as name from public.sections as s;

-- wrong | the API exposes private | the API exposes the schema private
do $$ begin execute format('alter database %I set pgrst.db_schemas = %L', current_database(), 'public, private'); end $$;

-- wrong | a function that trusts its caller's search_path | adopted.fill_mentors(uuid[]) runs with the rights of its owner, and uses the search_path of its caller
alter function adopted.fill_mentors reset search_path;

-- wrong | a mentor with two contacts | mentors with several contacts: 1, for example
create or replace view public.mentor_contacts with (security_invoker = true) as
select p.person as mentor_id, p.name::text as display_name, p.mail::text as email, 'nb' as language from app.people as p
union all
(select p.person, p.name::text, p.mail::text, 'en' from app.people as p where p.is_mentor limit 1);

-- wrong | a member with two contacts | members with several contacts: 1, for example
create or replace view public.member_contacts with (security_invoker = true) as
select m.org_id, m.user_id, a.called::text as display_name, a.mail::text as email, 'nb' as language
from public.org_members as m inner join public.addresses as a on a.login = m.user_id
union all
(select m.org_id, m.user_id, 'Twice', null, 'nb' from public.org_members as m limit 1);

-- wrong | contacts that everybody may read | the view public.mentor_contacts shows its rows to everybody who may read it
alter view public.mentor_contacts reset (security_invoker);

-- wrong | the notifier has no organisation | the role mentor_pause_notifier acts for no organisation
delete from private.job_organisations where role_name = 'mentor_pause_notifier';

-- note | an address with a space | addresses of mentors that no e-mail can be sent to: 1, for example of
update app.people set mail = 'two words@example.no' where portal_no = 12;

-- note | two addresses in one field | addresses of members that no e-mail can be sent to: 1, for example of
update public.addresses set mail = 'one@example.no, two@example.no' where login = public.account(3);

-- note | mentors without any certification | active mentors without any certification: 1, for example
delete from public.licences where person = (select id from public.peer_mentors where status = 'active' order by portal_key limit 1);

-- note | a year of two digits | certifications that expired before 1990: 1, for example of mentor
insert into public.licences (person, ends_at)
select (select id from public.peer_mentors where status = 'active' order by portal_key limit 1), '0025-12-01';

-- note | a function that is open to everybody | everybody may execute: public.everybody()
create function public.everybody() returns integer language sql as 'select 1';

-- note | members without an account | members who are not in auth.users: 00000000-0000-4000-8000-00000000dead
alter table public.officers disable trigger all;
insert into public.officers values ('00000000-0000-4000-8000-00000000dead', 'guide');
alter table public.officers enable trigger all;
select adopted.fill_members();

-- note | no administrator | organisation hlf has no administrator
delete from public.officers where kind = 'boss';
