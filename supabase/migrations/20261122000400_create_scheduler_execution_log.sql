-- What ran, when, why and with what result (D4). Refused and duplicate runs leave a row too.
-- org_id has no foreign key: a run that names an organisation that does not exist is logged as well.
-- Locks: none on existing tables.

create table public.scheduler_execution_log (
    id bigint generated always as identity primary key,
    job_name text not null,
    job_run_id uuid not null,
    org_id uuid,
    trigger text not null check (trigger in ('schedule', 'manual', 'event')),
    triggered_by text not null,
    as_of date,
    dry_run boolean not null default false,
    status text not null check (status in ('running', 'completed', 'failed', 'duplicate', 'refused')),
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    processed_count integer,
    paused_count integer,
    skipped_count integer,
    error_count integer,
    error text,
    check ((status = 'running') = (finished_at is null))
);
comment on table public.scheduler_execution_log is
'One row per attempt to run a job. duplicate: the same firing again; refused: another run was in the way.';
-- One run, one row that tells its story; any number of duplicate and refused rows beside it.
create unique index scheduler_execution_log_run_idx
on public.scheduler_execution_log (job_run_id) where status in ('running', 'completed', 'failed');
create index scheduler_execution_log_started_at_idx on public.scheduler_execution_log (started_at desc);
create index scheduler_execution_log_job_run_id_idx on public.scheduler_execution_log (job_run_id);

alter table public.scheduler_execution_log enable row level security;
revoke all on public.scheduler_execution_log from anon, authenticated;
revoke all on sequence public.scheduler_execution_log_id_seq from anon, authenticated;
