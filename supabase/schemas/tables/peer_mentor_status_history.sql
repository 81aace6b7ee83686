-- The audit trail: one row per change of status. update_mentor_status writes it in the same transaction as the
-- change (E3). It records who made the change (S3): a mentor or a coordinator with their user id, a job, or a
-- service, which is a caller with the credential of service_role or of the owner. The table is append-only (S6).

create table public.peer_mentor_status_history (
    id bigint generated always as identity primary key,
    mentor_id uuid not null references public.peer_mentors (id),
    org_id uuid not null references public.organisations (id),
    previous_status text not null,
    new_status text not null,
    reason text not null,
    certification_expiry_date date,
    job_run_id uuid,
    changed_at timestamptz not null,
    changed_by uuid,
    changed_by_role text not null,
    plan_hash text,
    approved_by text,
    approved_at timestamptz,
    approval_note text,
    constraint peer_mentor_status_history_role_check
    check (changed_by_role in ('mentor', 'coordinator', 'job', 'service')),
    constraint peer_mentor_status_history_person_check
    check ((changed_by is not null) = (changed_by_role in ('mentor', 'coordinator'))),
    constraint peer_mentor_status_history_reserved_check
    check ((reason in ('certification_expired', 'pause_withdrawn')) = (changed_by_role = 'job'))
);
comment on table public.peer_mentor_status_history is
'Every change of a mentor''s status, with its reason and, for a job, the run that made it.';
comment on column public.peer_mentor_status_history.changed_by is
'User id of the person who made the change; null for jobs and services.';
comment on column public.peer_mentor_status_history.changed_by_role is
'The kind of caller who made the change: mentor, coordinator, job or service.';
comment on column public.peer_mentor_status_history.approved_by is
'Who approved the pause of a held mentor (G4), with the plan''s hash, the time and the note; null: it needed no approval.';

create index peer_mentor_status_history_mentor_id_idx
on public.peer_mentor_status_history (mentor_id, changed_at);
-- The last change of a mentor and the changes before it (H1, H5).
create index peer_mentor_status_history_latest_idx on public.peer_mentor_status_history (mentor_id, id desc);
create index peer_mentor_status_history_org_id_idx on public.peer_mentor_status_history (org_id);
-- A run changes a mentor at most once. So update_mentor_status recognises a repeated call.
create unique index peer_mentor_status_history_run_idx
on public.peer_mentor_status_history (job_run_id, mentor_id) where job_run_id is not null;

-- enable always: the triggers also fire while session_replication_role is replica.
create trigger refuse_update before update on public.peer_mentor_status_history
for each row execute function private.enforce_append_only();
create trigger refuse_delete before delete on public.peer_mentor_status_history
for each row execute function private.enforce_append_only();
create trigger refuse_truncate before truncate on public.peer_mentor_status_history
for each statement execute function private.enforce_append_only();
alter table public.peer_mentor_status_history enable always trigger refuse_update;
alter table public.peer_mentor_status_history enable always trigger refuse_delete;
alter table public.peer_mentor_status_history enable always trigger refuse_truncate;

alter table public.peer_mentor_status_history enable row level security;
create policy seen_by_those_concerned on public.peer_mentor_status_history for select to authenticated
using (org_id in (select private.my_admin_orgs()) or mentor_id in (select private.my_mentors()));

revoke all on public.peer_mentor_status_history from anon, authenticated, service_role;
revoke all on sequence public.peer_mentor_status_history_id_seq from anon, authenticated, service_role;
grant select on public.peer_mentor_status_history to service_role;
grant select on public.peer_mentor_status_history to authenticated;
