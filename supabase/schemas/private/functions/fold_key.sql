-- A portal key in the spelling that look-ups compare. The portal, Dataverse, compares keys without regard to
-- case, so two keys that differ only in case are the same key (H1), whatever the locale of the database is
-- (R4).
-- Called by: the unique index of peer_mentors; mirror_portal_certifications.

create or replace function private.fold_key(p_key text)
returns text
language sql
immutable
strict
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
    select lower(p_key collate private.folding) collate "C"
$$;
comment on function private.fold_key is 'A portal key in the spelling that look-ups compare.';
revoke execute on function private.fold_key from public, anon, authenticated;
grant execute on function private.fold_key to service_role;
