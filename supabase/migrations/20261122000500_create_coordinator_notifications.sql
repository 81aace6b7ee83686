-- What the coordinators are told: one row per coordinator and run (E11). The app delivers it.
-- Locks: none on existing tables.

create table public.coordinator_notifications (
    id bigint generated always as identity primary key,
    org_id uuid not null references public.organisations (id),
    coordinator_id uuid not null,
    job_run_id uuid not null,
    mentor_ids uuid [] not null check (cardinality(mentor_ids) > 0),
    created_at timestamptz not null default clock_timestamp(),
    unique (job_run_id, coordinator_id)
);
comment on table public.coordinator_notifications is
'The mentors that a run paused, for one coordinator who is concerned.';
create index coordinator_notifications_coordinator_id_idx
on public.coordinator_notifications (coordinator_id, created_at);
create index coordinator_notifications_org_id_idx on public.coordinator_notifications (org_id);

alter table public.coordinator_notifications enable row level security;
revoke all on public.coordinator_notifications from anon, authenticated;
revoke all on sequence public.coordinator_notifications_id_seq from anon, authenticated;
