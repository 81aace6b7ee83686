-- Records until when a mentor was certified, before a reading of the portal changes that for the first time
-- (H1).
-- Called by: private.mirror_certification, remove_portal_certification.

create or replace function private.record_portal_change(p_mentor_id uuid)
returns void
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into private.portal_changes (mentor_id, certified_until)
    select m.id, (select max(c.expires_on) from public.certifications as c where c.mentor_id = m.id)
    from public.peer_mentors as m where m.id = p_mentor_id
    on conflict (mentor_id) do nothing
$$;
comment on function private.record_portal_change is
'Records until when a mentor was certified, before a reading of the portal changes that for the first time.';
revoke execute on function private.record_portal_change from public, anon, authenticated;
