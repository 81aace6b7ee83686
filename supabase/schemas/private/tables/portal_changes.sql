-- Until when a mentor was certified before the present reading of the portal changed that (H1). The reading returns
-- one row after the other, and a certification may move from one mentor to another. So finish_portal_reading decides
-- which mentors are renewed when the reading is complete.

create table private.portal_changes (
    mentor_id uuid primary key references public.peer_mentors (id) on delete cascade,
    certified_until date
);
comment on table private.portal_changes is
'Mentors whose certifications the present reading of the portal has changed, with the day until which they were certified before.';

alter table private.portal_changes enable row level security;
revoke all on private.portal_changes from public, anon, authenticated, service_role;
