-- Peer mentors, who coordinates them, and their certifications.
-- Locks: none on existing tables.

create table public.peer_mentors (
    id uuid primary key default gen_random_uuid(),
    org_id uuid not null references public.organisations (id),
    chapter_id uuid references public.chapters (id),
    user_id uuid,
    status text not null default 'active' check (status in ('active', 'paused', 'inactive')),
    version integer not null default 1,
    status_changed_at timestamptz not null default now()
);
comment on table public.peer_mentors is
'A peer mentor. status and version change through public.update_mentor_status only.';
comment on column public.peer_mentors.version is 'Raised by one with every change of status (optimistic locking).';
-- The nightly keyset pages: active mentors of one organisation in id order.
create index peer_mentors_active_idx on public.peer_mentors (org_id, id) where status = 'active';
create index peer_mentors_org_id_idx on public.peer_mentors (org_id);
create index peer_mentors_chapter_id_idx on public.peer_mentors (chapter_id);
create index peer_mentors_user_id_idx on public.peer_mentors (user_id);

create table public.assignments (
    id uuid primary key default gen_random_uuid(),
    mentor_id uuid not null references public.peer_mentors (id) on delete cascade,
    coordinator_id uuid not null,
    ended_at timestamptz,
    unique (mentor_id, coordinator_id)
);
create index assignments_coordinator_id_idx on public.assignments (coordinator_id);
comment on table public.assignments is 'A coordinator who is responsible for a mentor until ended_at; many to many.';

create table public.certifications (
    id uuid primary key default gen_random_uuid(),
    mentor_id uuid not null references public.peer_mentors (id) on delete cascade,
    expires_on date not null
);
create index certifications_mentor_id_idx on public.certifications (mentor_id, expires_on desc);
comment on table public.certifications is
'A certification of a mentor. With several, the latest expires_on counts. It is expired on the day itself.';

alter table public.peer_mentors enable row level security;
alter table public.assignments enable row level security;
alter table public.certifications enable row level security;
revoke all on public.peer_mentors, public.assignments, public.certifications from anon, authenticated;
