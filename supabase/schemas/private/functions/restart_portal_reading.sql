-- Makes the next sync run read the portal from the beginning, and send this mentor's status again (H1). The
-- reading skips certifications whose mentor we do not have. So when a mentor is entered, or gets another key,
-- the sync has to read them again; certifications that are already stored cost almost nothing. And under
-- another key the portal does not have the mentor's status yet.
-- Called by: the trigger restart_portal_reading of peer_mentors.
-- Locks: the organisation's watermark, the mentor's row of the sync state.

create or replace function private.restart_portal_reading()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from public.portal_watermarks as w where w.org_id = new.org_id;
    delete from public.portal_sync_state as s where s.mentor_id = new.id;
    return null;
end
$$;
comment on function private.restart_portal_reading is
'Makes the next sync run read all certifications of the portal, and send this mentor''s status again.';
revoke execute on function private.restart_portal_reading from public, anon, authenticated;
