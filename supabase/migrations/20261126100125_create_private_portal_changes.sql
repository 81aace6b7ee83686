-- Until when a mentor was certified before the present reading of the portal changed that (H1). The reading brings one row after the
-- other, and a certification may go from one mentor to another. So who is renewed is decided when the reading is over.
-- Locks: none on existing tables.

create table private.portal_changes (
    mentor_id uuid primary key references public.peer_mentors (id) on delete cascade,
    certified_until date
);
comment on table private.portal_changes is
'Mentors whose certifications the present reading of the portal has changed, and until when they were certified before.';
alter table private.portal_changes enable row level security;
revoke all on private.portal_changes from public, anon, authenticated, service_role;

create function private.note_portal_change(p_mentor_id uuid)
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
comment on function private.note_portal_change is
'Notes until when a mentor was certified, before the reading of the portal changes that for the first time.';
revoke execute on function private.note_portal_change from public, anon, authenticated;
