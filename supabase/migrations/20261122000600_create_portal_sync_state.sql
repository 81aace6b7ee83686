-- Which version of a mentor the HLF portal was last told about (H1). Used by the hlf_sync job.
-- Locks: none on existing tables.

create table public.portal_sync_state (
    mentor_id uuid primary key references public.peer_mentors (id) on delete cascade,
    synced_version integer not null,
    synced_at timestamptz not null default clock_timestamp()
);
comment on table public.portal_sync_state is 'The last version of a mentor that the portal has taken over.';

alter table public.portal_sync_state enable row level security;
revoke all on public.portal_sync_state from anon, authenticated;
