-- Dataverse compares a key without regard to case, so two keys that differ in nothing else are one (H1).
-- Locks: the mentors, against writing, while the index is built.

drop index public.peer_mentors_portal_key_idx;
create unique index peer_mentors_portal_key_idx
on public.peer_mentors (org_id, lower(coalesce(portal_key, id::text)));
