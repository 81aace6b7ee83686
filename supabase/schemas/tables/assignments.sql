-- The coordinators of single mentors. An assignment is visible to everybody who may see the mentor (S4).

create table public.assignments (
    id uuid primary key default gen_random_uuid(),
    mentor_id uuid not null references public.peer_mentors (id) on delete cascade,
    coordinator_id uuid not null,
    ended_at timestamptz,
    unique (mentor_id, coordinator_id)
);
comment on table public.assignments is 'A coordinator who is responsible for a mentor until ended_at; many to many.';
-- The keyset pages of a coordinator; ended_at is included for the policy of peer_mentors.
create index assignments_coordinator_id_idx on public.assignments (coordinator_id, mentor_id) include (ended_at);

alter table public.assignments enable row level security;
-- The policy of peer_mentors applies to the subquery. PostgreSQL looks up a few rows by key, and hashes many.
create policy seen_with_the_mentor on public.assignments for select to authenticated
using (exists (select from public.peer_mentors as m where m.id = mentor_id));

revoke all on public.assignments from anon, authenticated, service_role;
grant select, insert, update, delete on public.assignments to service_role;
grant select on public.assignments to authenticated;
