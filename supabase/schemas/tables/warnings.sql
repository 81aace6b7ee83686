-- Which mentors were warned, of which expiry date, and how long before (W1). The primary key keeps a mentor from being
-- warned twice of the same date at the same stage. public.write_warnings writes the row in the transaction that writes
-- the messages. A warning is visible to everybody who may see the mentor (S4).

create table public.warnings (
    mentor_id uuid not null references public.peer_mentors (id) on delete cascade,
    expires_on date not null,
    stage integer not null check (stage between 1 and 365),
    warned_on date not null,
    created_at timestamptz not null default clock_timestamp(),
    primary key (mentor_id, expires_on, stage)
);
comment on table public.warnings is 'A warning that a mentor''s certification expires.';
comment on column public.warnings.stage is 'The days before the expiry date from which the warning was due, such as 30.';
comment on column public.warnings.warned_on is 'The day for which it was written, in the organisation''s time zone.';

alter table public.warnings enable row level security;
-- The policy of peer_mentors applies to the subquery.
create policy seen_with_the_mentor on public.warnings for select to authenticated
using (exists (select from public.peer_mentors as m where m.id = mentor_id));

revoke all on public.warnings from anon, authenticated, service_role;
grant select on public.warnings to service_role;
grant select on public.warnings to authenticated;
