-- The log's policy asks by organisation.
-- Locks: the log, against writing, while the index is built.

create index scheduler_execution_log_org_id_idx on public.scheduler_execution_log (org_id);
