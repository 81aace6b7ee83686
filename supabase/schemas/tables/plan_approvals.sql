-- Who released the held mentors of a plan, when, and why (G4). approve_plan writes the row, once for each plan. The run
-- that follows copies it into its row of the execution log. Rows are never changed or deleted. Administrators see the
-- approvals of their organisation (S4).

create table public.plan_approvals (
    job_run_id uuid primary key,
    org_id uuid not null references public.organisations (id),
    plan_hash text not null,
    approved_by text not null,
    approved_at timestamptz not null default clock_timestamp(),
    note text not null
);
comment on table public.plan_approvals is 'The approval of a plan''s held mentors.';
comment on column public.plan_approvals.job_run_id is 'The run that made the plan.';
comment on column public.plan_approvals.plan_hash is 'The hash of the plan that the approver saw.';
comment on column public.plan_approvals.approved_by is 'Who approved it, named as in scheduler_execution_log.triggered_by.';

create index plan_approvals_org_id_idx on public.plan_approvals (org_id);

-- enable always: the triggers also fire while session_replication_role is replica.
create trigger refuse_update before update on public.plan_approvals
for each row execute function private.enforce_append_only();
create trigger refuse_delete before delete on public.plan_approvals
for each row execute function private.enforce_append_only();
create trigger refuse_truncate before truncate on public.plan_approvals
for each statement execute function private.enforce_append_only();
alter table public.plan_approvals enable always trigger refuse_update;
alter table public.plan_approvals enable always trigger refuse_delete;
alter table public.plan_approvals enable always trigger refuse_truncate;

alter table public.plan_approvals enable row level security;
create policy seen_by_admins on public.plan_approvals for select to authenticated
using (org_id in (select private.my_admin_orgs()));

revoke all on public.plan_approvals from anon, authenticated, service_role;
grant select on public.plan_approvals to service_role;
grant select on public.plan_approvals to authenticated;
