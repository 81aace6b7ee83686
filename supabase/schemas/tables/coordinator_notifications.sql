-- Notifications for coordinators (E11): one row per coordinator and run. private.notify_page writes it, and the app
-- delivers it. Coordinators see their own; administrators see all of their organisation (S4).

create table public.coordinator_notifications (
    id bigint generated always as identity primary key,
    org_id uuid not null references public.organisations (id),
    coordinator_id uuid not null,
    job_run_id uuid not null,
    kind text not null default 'paused' check (kind in ('paused', 'renewed')),
    mentor_ids uuid [] not null check (cardinality(mentor_ids) > 0),
    created_at timestamptz not null default clock_timestamp(),
    unique (job_run_id, coordinator_id)
);
comment on table public.coordinator_notifications is
'The mentors that a run paused, or whose certification it renewed, for one responsible coordinator.';
comment on column public.coordinator_notifications.kind is
'paused: the run paused the mentors. renewed: their certification was renewed; they stay paused until somebody resumes them.';

create index coordinator_notifications_coordinator_id_idx
on public.coordinator_notifications (coordinator_id, created_at);
create index coordinator_notifications_org_id_idx on public.coordinator_notifications (org_id);

alter table public.coordinator_notifications enable row level security;
create policy own_or_as_admin on public.coordinator_notifications for select to authenticated
using (
    (
        coordinator_id = (select private.user_id())
        and org_id in (select o.org_id from public.org_members as o where o.user_id = (select private.user_id()))
    )
    or org_id in (select private.my_admin_orgs())
);

revoke all on public.coordinator_notifications from anon, authenticated, service_role;
revoke all on sequence public.coordinator_notifications_id_seq from anon, authenticated, service_role;
grant select on public.coordinator_notifications to service_role;
grant select on public.coordinator_notifications to authenticated;
