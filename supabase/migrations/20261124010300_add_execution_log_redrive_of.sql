-- A run that does again what failed in an earlier one names it.
-- Locks: the log, for an instant.

alter table public.scheduler_execution_log add column redrive_of uuid;
comment on column public.scheduler_execution_log.redrive_of is
'The run whose errored mentors this run was about; null for a run about everybody.';
