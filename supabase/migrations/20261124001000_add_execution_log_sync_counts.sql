-- What a run of the portal sync came to (E7): processed = paused + synced + skipped + error.
-- Locks: the log, for an instant.

alter table public.scheduler_execution_log
add column synced_count integer,
add column renewed_count integer;
comment on column public.scheduler_execution_log.synced_count is 'Mentors of whom the portal was told.';
comment on column public.scheduler_execution_log.renewed_count is
'Mentors whom the portal has certified for longer; not part of processed_count.';
