-- The audit trail: one row per change of status, written by update_mentor_status in the same
-- transaction as the change (E3).
-- Locks: none on existing tables.

create table public.peer_mentor_status_history (
    id bigint generated always as identity primary key,
    mentor_id uuid not null references public.peer_mentors (id),
    org_id uuid not null references public.organisations (id),
    previous_status text not null,
    new_status text not null,
    reason text not null,
    certification_expiry_date date,
    job_run_id uuid,
    changed_at timestamptz not null
);
comment on table public.peer_mentor_status_history is
'Every change of a mentor''s status, with its reason and, for a job, the run that made it.';
create index peer_mentor_status_history_mentor_id_idx
on public.peer_mentor_status_history (mentor_id, changed_at);
create index peer_mentor_status_history_org_id_idx on public.peer_mentor_status_history (org_id);
-- A run changes a mentor at most once: what makes a repeated call a replay.
create unique index peer_mentor_status_history_run_idx
on public.peer_mentor_status_history (job_run_id, mentor_id) where job_run_id is not null;

alter table public.peer_mentor_status_history enable row level security;
revoke all on public.peer_mentor_status_history from anon, authenticated;
revoke all on sequence public.peer_mentor_status_history_id_seq from anon, authenticated;
