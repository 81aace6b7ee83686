-- The plan of a certification expiry run (G1, G2): which mentors it pauses, and which ones it holds. make_plan writes it
-- when the run begins, in batches; plan_hash is null until it is whole. A dry run has a plan too. Administrators see the
-- plans of their organisation (S4).
--
-- A plan lapses when the next real run for this day or a later one makes one: only the newest plan can be approved (G4).

create table public.plans (
    job_run_id uuid primary key,
    org_id uuid not null references public.organisations (id),
    as_of date not null,
    dry_run boolean not null,
    rule text not null,
    cursor uuid,
    made_at timestamptz not null default clock_timestamp(),
    brake_mode text,
    brake_count integer,
    brake_percent numeric(5, 2),
    active_count integer,
    planned_count integer,
    unforeseen_count integer,
    held_count integer,
    brake_acts boolean,
    plan_hash text
);
comment on table public.plans is 'Which mentors a certification expiry run pauses, and which ones it holds.';
comment on column public.plans.cursor is 'The last mentor who was planned, while the plan is being made.';
comment on column public.plans.rule is 'The rule by which it was made, and its version.';
comment on column public.plans.active_count is 'How many active mentors the organisation had; brake_percent is a share of them.';
comment on column public.plans.planned_count is 'The active mentors whose certification had expired: those who are paused and those who are held.';
comment on column public.plans.unforeseen_count is 'Those of them who were not warned of their expiry date at least seven days before.';
comment on column public.plans.brake_acts is 'More are unforeseen than the limits allow; what follows depends on brake_mode.';
comment on column public.plans.plan_hash is
'SHA-256 of what the plan decides, in hexadecimal (private.hash_plan); null: the plan is not whole yet.';

-- The newest plan of an organisation.
create index plans_newest_idx on public.plans (org_id, as_of desc, made_at desc);

alter table public.plans enable row level security;
create policy seen_by_admins on public.plans for select to authenticated
using (org_id in (select private.my_admin_orgs()));

revoke all on public.plans from anon, authenticated, service_role;
grant select on public.plans to service_role;
grant select on public.plans to authenticated;
