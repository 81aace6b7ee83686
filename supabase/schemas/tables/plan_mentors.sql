-- The mentors of a plan (G1): the version and the expiry date that they had, and what the plan says of them.
-- Administrators see the entries of their organisation's plans (S4). Coordinators ask list_plan, and mentors ask
-- explain_mentor, which looks at the newest plan only: an entry of a dry run or of an older plan tells a mentor nothing
-- about what will happen.

create table public.plan_mentors (
    job_run_id uuid not null references public.plans (job_run_id) on delete cascade,
    mentor_id uuid not null,
    version integer not null,
    expires_on date not null,
    action text not null check (action in ('pause', 'hold')),
    why text not null check (why in ('forewarned', 'warned_late', 'warned_of_another_date', 'never_warned')),
    primary key (job_run_id, mentor_id)
);
comment on table public.plan_mentors is 'The entries of the plans: one for each mentor whose certification has expired.';
comment on column public.plan_mentors.version is 'peer_mentors.version when the plan was made.';
comment on column public.plan_mentors.expires_on is 'The mentor''s latest expiry date when the plan was made.';
comment on column public.plan_mentors.action is 'pause: the run pauses the mentor. hold: the mentor waits for an approval.';
comment on column public.plan_mentors.why is
'forewarned: the mentor was warned of this date at least seven days before. All others are unforeseen.';

-- The held mentors of the newest plan (G3).
create index plan_mentors_held_idx on public.plan_mentors (job_run_id, mentor_id) where action = 'hold';

alter table public.plan_mentors enable row level security;
-- The policy of plans applies to the subquery.
create policy seen_with_the_plan on public.plan_mentors for select to authenticated
using (job_run_id in (select p.job_run_id from public.plans as p));

revoke all on public.plan_mentors from anon, authenticated, service_role;
grant select on public.plan_mentors to service_role;
grant select on public.plan_mentors to authenticated;
