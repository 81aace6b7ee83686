-- A certification that the portal had before we had its mentor was passed over when it was read (H1). So
-- whenever a mentor is entered, or gets another key, the next sync run reads the portal from the beginning;
-- what is stored already costs it next to nothing. And under another key it was told nothing yet.
-- Locks: the organisation's watermark, the mentor's sync state. Called by: the trigger.

create function private.read_portal_anew()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    delete from public.portal_watermarks as w where w.org_id = new.org_id;
    delete from public.portal_sync_state as s where s.mentor_id = new.id;
    return null;
end
$$;
comment on function private.read_portal_anew is 'Lets the next sync run read all certifications of the portal, and tell it of this mentor.';
revoke execute on function private.read_portal_anew from public, anon, authenticated;

create trigger read_portal_anew after insert or update of portal_key, org_id on public.peer_mentors
for each row execute function private.read_portal_anew();
