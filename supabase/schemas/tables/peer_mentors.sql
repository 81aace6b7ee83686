-- Peer mentors. A mentor is visible to themself, to the coordinators responsible for them, and to the administrators
-- of their organisation (S4).

create table public.peer_mentors (
    id uuid primary key default gen_random_uuid(),
    org_id uuid not null references public.organisations (id),
    chapter_id uuid references public.chapters (id),
    user_id uuid,
    portal_key text check (portal_key <> ''),
    status text not null default 'active' check (status in ('active', 'paused', 'inactive')),
    version integer not null default 1,
    status_changed_at timestamptz not null default now()
);
comment on table public.peer_mentors is
'A peer mentor. Only public.update_mentor_status changes status and version.';
comment on column public.peer_mentors.version is 'Each change of status raises it by one (optimistic locking).';
comment on column public.peer_mentors.portal_key is 'The mentor''s key in HLF''s portal; null: the portal uses the id.';

-- The nightly keyset pages: active mentors of one organisation in id order.
create index peer_mentors_active_idx on public.peer_mentors (org_id, id) where status = 'active';
-- The keyset pages of the portal sync, without the table.
create index peer_mentors_org_id_idx on public.peer_mentors (org_id, id) include (version);
-- The keyset pages of a coordinator: each chapter's mentors in id order, without the table.
create index peer_mentors_chapter_id_idx on public.peer_mentors (chapter_id, id) include (org_id);
create index peer_mentors_user_id_idx on public.peer_mentors (user_id);
-- Two mentors may not have portal keys that differ only in case (H1).
create unique index peer_mentors_portal_key_idx
on public.peer_mentors (org_id, private.fold_key(coalesce(portal_key, id::text)));

create trigger restart_portal_reading after insert or update of portal_key, org_id on public.peer_mentors
for each row execute function private.restart_portal_reading();

alter table public.peer_mentors enable row level security;
-- The rule of private.coordinated_mentors, by columns. For a coordinator by chapter PostgreSQL hashes the chapters, and
-- not their mentors. It lists the assigned mentors only if a row has not passed before.
create policy seen_by_those_concerned on public.peer_mentors for select to authenticated
using (
    org_id in (select private.my_admin_orgs())
    or user_id = (select private.user_id())
    or (
        org_id in (select private.my_memberships())
        and (chapter_id in (select private.my_chapters()) or id in (select private.my_assigned_mentors()))
    )
);

-- The app's back end enters a mentor with a first status. Afterwards only update_mentor_status changes status and
-- version (E2). A mentor is not deleted and entered again with another status: a mentor who leaves becomes inactive.
revoke all on public.peer_mentors from anon, authenticated, service_role;
grant
select, insert (id, org_id, chapter_id, user_id, portal_key, status), update (chapter_id, user_id, portal_key)
on public.peer_mentors to service_role;
grant select on public.peer_mentors to authenticated;
