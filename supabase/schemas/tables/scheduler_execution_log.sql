-- Which run started, when, why and with what result (D4). Refused and duplicate run requests leave a row too. org_id
-- has no foreign key, so that a run request that names an unknown organisation can be logged as well. The table is
-- append-only except for the changes that private.restrict_log_updates allows (S6). Administrators see the rows of
-- their organisation (S4).

create table public.scheduler_execution_log (
    id bigint generated always as identity primary key,
    job_name text not null,
    job_run_id uuid not null,
    org_id uuid,
    trigger text not null check (trigger in ('schedule', 'manual', 'event')),
    triggered_by text not null,
    as_of date,
    dry_run boolean not null default false,
    redrive_of uuid,
    status text not null check (status in ('running', 'completed', 'failed', 'duplicate', 'refused')),
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    processed_count integer,
    paused_count integer,
    synced_count integer,
    skipped_count integer,
    error_count integer,
    renewed_count integer,
    error text,
    resumed_count integer,
    unforeseen_count integer,
    held_count integer,
    plan_of uuid,
    plan_hash text,
    approved_by text,
    approved_at timestamptz,
    approval_note text,
    withdraws uuid,
    check ((status = 'running') = (finished_at is null))
);
comment on table public.scheduler_execution_log is
'One row per run request. duplicate: a second delivery of the same trigger; refused: for example, another run was in progress.';
comment on column public.scheduler_execution_log.redrive_of is
'The run whose errored mentors this run repeats; null for a run for all mentors.';
-- processed_count = paused_count + synced_count + resumed_count + skipped_count + error_count (E7)
comment on column public.scheduler_execution_log.synced_count is 'Mentors whose status the run sent to the portal.';
comment on column public.scheduler_execution_log.renewed_count is
'Mentors whose certification the portal has renewed; not part of processed_count.';

comment on column public.scheduler_execution_log.resumed_count is 'Mentors whom a withdrawal resumed (G5).';
comment on column public.scheduler_execution_log.unforeseen_count is
'Mentors of the run''s plan who were not warned of their expiry date in time (G2); not part of processed_count.';
comment on column public.scheduler_execution_log.held_count is
'Mentors of the run''s plan who wait for an approval (G3); not part of processed_count.';
comment on column public.scheduler_execution_log.plan_of is
'The run whose plan this run carries out; null: its own. approved_by is set if it releases the held mentors of that plan (G4).';
comment on column public.scheduler_execution_log.plan_hash is 'The hash of the plan that the run carries out.';
comment on column public.scheduler_execution_log.withdraws is 'The run whose pauses this withdrawal takes back (G5).';

-- A run has one row with its course, and any number of duplicate and refused rows.
create unique index scheduler_execution_log_run_idx
on public.scheduler_execution_log (job_run_id) where status in ('running', 'completed', 'failed');
create index scheduler_execution_log_started_at_idx on public.scheduler_execution_log (started_at desc);
create index scheduler_execution_log_job_run_id_idx on public.scheduler_execution_log (job_run_id);
create index scheduler_execution_log_org_id_idx on public.scheduler_execution_log (org_id);
create index scheduler_execution_log_withdraws_idx on public.scheduler_execution_log (withdraws) where withdraws is not null;

-- enable always: the triggers also fire while session_replication_role is replica.
create trigger restrict_log_updates before update on public.scheduler_execution_log
for each row execute function private.restrict_log_updates();
create trigger refuse_delete before delete on public.scheduler_execution_log
for each row execute function private.enforce_append_only();
create trigger refuse_truncate before truncate on public.scheduler_execution_log
for each statement execute function private.enforce_append_only();
alter table public.scheduler_execution_log enable always trigger restrict_log_updates;
alter table public.scheduler_execution_log enable always trigger refuse_delete;
alter table public.scheduler_execution_log enable always trigger refuse_truncate;

alter table public.scheduler_execution_log enable row level security;
create policy seen_by_admins on public.scheduler_execution_log for select to authenticated
using (org_id in (select private.my_admin_orgs()));

revoke all on public.scheduler_execution_log from anon, authenticated, service_role;
revoke all on sequence public.scheduler_execution_log_id_seq from anon, authenticated, service_role;
grant select on public.scheduler_execution_log to service_role;
grant select on public.scheduler_execution_log to authenticated;
