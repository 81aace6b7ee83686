-- What people see of mentors (S4): a mentor is seen by themself, by the coordinators responsible for
-- them, and by the administrators of their organisation; and whoever sees a mentor sees what belongs to
-- them. Nobody writes through the API.
-- Locks: the tables, for an instant.

grant select on
public.peer_mentors, public.assignments, public.certifications, public.peer_mentor_status_history
to authenticated;

create policy seen_by_those_concerned on public.peer_mentors for select to authenticated
using (org_id in (select private.my_admin_orgs()) or id in (select private.my_mentors()));

create policy seen_by_those_concerned on public.peer_mentor_status_history for select to authenticated
using (org_id in (select private.my_admin_orgs()) or mentor_id in (select private.my_mentors()));

-- These subqueries are answered by the policy of peer_mentors: by its key for a few rows, as a hash
-- for many.
create policy seen_with_the_mentor on public.assignments for select to authenticated
using (exists (select from public.peer_mentors as m where m.id = mentor_id));

create policy seen_with_the_mentor on public.certifications for select to authenticated
using (exists (select from public.peer_mentors as m where m.id = mentor_id));
