-- The history says who (S3): a mentor or a coordinator with their user id, a job, or a service, which
-- is whoever holds the service-role credential or the owner's. The columns are required only once
-- update_mentor_status fills them (20261122010710), so that no change fails in between.
-- Locks: the history, for an instant.

alter table public.peer_mentor_status_history
add column changed_by uuid,
add column changed_by_role text;
comment on column public.peer_mentor_status_history.changed_by is
'User id of the person who made the change; null for jobs and services.';
comment on column public.peer_mentor_status_history.changed_by_role is
'In what capacity: mentor, coordinator, job or service.';
