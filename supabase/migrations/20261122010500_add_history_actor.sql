-- The history says who (S3): a mentor or a coordinator with their user id, a job, or a service, which
-- is whoever holds the service-role credential or the owner's.
-- Locks: the history, exclusively, while existing rows are marked; they were made by jobs or services.

alter table public.peer_mentor_status_history
add column changed_by uuid,
add column changed_by_role text;
comment on column public.peer_mentor_status_history.changed_by is
'User id of the person who made the change; null for jobs and services.';
comment on column public.peer_mentor_status_history.changed_by_role is
'In what capacity: mentor, coordinator, job or service.';

update public.peer_mentor_status_history
set changed_by_role = case when job_run_id is null then 'service' else 'job' end;

alter table public.peer_mentor_status_history
alter column changed_by_role set not null,
add constraint peer_mentor_status_history_role_check
check (changed_by_role in ('mentor', 'coordinator', 'job', 'service')),
add constraint peer_mentor_status_history_person_check
check ((changed_by is not null) = (changed_by_role in ('mentor', 'coordinator'))),
add constraint peer_mentor_status_history_reserved_check
check (reason <> 'certification_expired' or changed_by_role = 'job');
