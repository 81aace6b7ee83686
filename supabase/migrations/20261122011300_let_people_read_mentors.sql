-- What people see of mentors (S4): a row about a mentor is seen by the mentor, by the coordinators
-- responsible for them, and by the administrators of their organisation. Nobody writes through the API.
-- Locks: the tables, for an instant.

grant select on
public.peer_mentors, public.assignments, public.certifications, public.peer_mentor_status_history
to authenticated;

create policy seen_by_those_concerned on public.peer_mentors for select to authenticated
using (org_id in (select private.my_admin_orgs()) or id in (select private.my_mentors()));

create policy seen_by_those_concerned on public.peer_mentor_status_history for select to authenticated
using (org_id in (select private.my_admin_orgs()) or mentor_id in (select private.my_mentors()));

create policy seen_by_those_concerned on public.assignments for select to authenticated
using (
    mentor_id in (select private.my_mentors()) or mentor_id in (select private.my_org_mentors())
);

create policy seen_by_those_concerned on public.certifications for select to authenticated
using (
    mentor_id in (select private.my_mentors()) or mentor_id in (select private.my_org_mentors())
);
