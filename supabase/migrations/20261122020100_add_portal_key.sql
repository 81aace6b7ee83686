-- By which key HLF's portal knows a mentor (H1); a mentor without one is known by their id.
-- Locks: the mentors, against writing, while the index is built.

alter table public.peer_mentors
add column portal_key text check (portal_key <> '');
comment on column public.peer_mentors.portal_key is 'The mentor''s key in HLF''s portal; null: the id.';
create unique index peer_mentors_portal_key_idx
on public.peer_mentors (org_id, coalesce(portal_key, id::text));
grant insert (portal_key), update (portal_key) on public.peer_mentors to service_role;
