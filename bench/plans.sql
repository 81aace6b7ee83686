-- A large organisation, for bench/plans.py. The setting plans.mentors says how many mentors it has. Each has a
-- certification that has expired and one that is valid, ten rows of history, of which one belongs to the run 'night',
-- one of 10,000 coordinators, and a coordinator who is responsible for all: 'everybody' by assignments, 'chapters'
-- by 300 chapters. 'five thousand' is responsible for the first 5,000, who all have an address; of the others, one in
-- twenty has none. Ids are the md5 of a name, so they are spread like random ones. Nobody's latest certification has
-- expired today; 450 days later half of them will have, and 1,000 days later all.

set session_replication_role = 'replica';
set maintenance_work_mem = '1GB';

-- Indexes are built after the rows, which is quicker.
create temp table dropped as
select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition
from pg_index as i
where
    i.indrelid in (
        'public.peer_mentors'::regclass, 'public.certifications'::regclass, 'public.assignments'::regclass,
        'public.peer_mentor_status_history'::regclass, 'public.portal_sync_state'::regclass
    )
    and not exists (select from pg_constraint as c where c.conindid = i.indexrelid);
do $$
declare
    v_name text;
begin
    for v_name in select name from dropped loop
        execute 'drop index ' || v_name;
    end loop;
end
$$;

create temp table numbers as
select i, md5('mentor ' || i)::uuid as id from generate_series(1, current_setting('plans.mentors')::integer) as i;

insert into organisations (id, slug) values (md5('hlf')::uuid, 'hlf');
insert into chapters (id, org_id, name)
select md5('chapter ' || i)::uuid, md5('hlf')::uuid, 'Chapter ' || i from generate_series(0, 299) as i;
insert into org_members (org_id, user_id, role)
select md5('hlf')::uuid, md5('coordinator ' || i)::uuid, 'coordinator' from generate_series(0, 9999) as i
union all
select md5('hlf')::uuid, md5(name)::uuid, role
from (values
    ('everybody', 'coordinator'), ('chapters', 'coordinator'), ('five thousand', 'coordinator'), ('admin', 'admin')
) as people (name, role);
insert into coordinator_chapters (coordinator_id, chapter_id) select md5('chapters')::uuid, id from chapters;

insert into peer_mentors (id, org_id, chapter_id, status, status_changed_at)
select
    id, md5('hlf')::uuid, md5('chapter ' || i % 300)::uuid,
    case i % 100 when 0 then 'paused' when 1 then 'inactive' else 'active' end, now() - interval '30 days'
from numbers;
insert into certifications (mentor_id, expires_on)
select id, current_date - 400 - i % 900 from numbers
union all
select id, current_date + 1 + i % 900 from numbers;
insert into assignments (mentor_id, coordinator_id)
select id, md5('coordinator ' || i % 10000)::uuid from numbers
union all
select id, md5('everybody')::uuid from numbers
union all
select id, md5('five thousand')::uuid from numbers where i <= 5000;
insert into mentor_contacts (mentor_id, display_name, email)
select id, 'Mentor ' || i, case when i <= 5000 or i % 20 > 0 then 'mentor' || i || '@example.no' end from numbers;
insert into member_contacts (org_id, user_id, display_name, email)
select org_id, user_id, 'Member', user_id || '@example.no' from org_members;
insert into portal_sync_state (mentor_id, synced_version, synced_at) select id, 1, now() - interval '1 day' from numbers;
insert into peer_mentor_status_history (
    mentor_id, org_id, previous_status, new_status, reason, job_run_id, changed_at, changed_by_role
)
select
    id, md5('hlf')::uuid, 'active', 'paused',
    case turn when 9 then 'certification_expired' else 'on_leave' end,
    case turn when 9 then md5('night')::uuid end,
    now() - (10 - turn) * interval '10 days',
    case turn when 9 then 'job' else 'service' end
from generate_series(0, 9) as turn, numbers;
-- Twenty years of nights, and the two runs of last night.
insert into scheduler_execution_log (
    job_name, job_run_id, org_id, trigger, triggered_by, as_of, status, started_at, finished_at, error_count
)
select
    job, md5(job || ' ' || i)::uuid, md5('hlf')::uuid, 'schedule', 'rule', current_date - i, 'completed',
    now() - i * interval '1 day', now() - i * interval '1 day', 0
from generate_series(0, 7300) as i, unnest(array['certification_expiry', 'hlf_sync']) as job;

do $$
declare
    v_definition text;
begin
    for v_definition in select definition from dropped loop
        execute v_definition;
    end loop;
end
$$;
drop table dropped, numbers;
reset session_replication_role;
