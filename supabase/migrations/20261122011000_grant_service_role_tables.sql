-- What the app's back end, as service_role, may do with the tables. A Supabase project grants it
-- everything; here it keeps the roster, and reads what only functions write: statuses, history, log,
-- notifications, the portal's state (E2, S6).
-- Locks: none.

revoke all on
public.organisations, public.chapters, public.org_members, public.coordinator_chapters,
public.peer_mentors, public.assignments, public.certifications,
public.peer_mentor_status_history, public.scheduler_execution_log, public.coordinator_notifications,
public.portal_sync_state
from service_role;
revoke all on sequence
public.peer_mentor_status_history_id_seq, public.scheduler_execution_log_id_seq,
public.coordinator_notifications_id_seq
from service_role;

grant select, insert, update, delete on
public.organisations, public.chapters, public.org_members, public.coordinator_chapters,
public.assignments, public.certifications
to service_role;
-- A mentor is entered with a first status; afterwards status and version are update_mentor_status's. Nor
-- are mentors deleted, and entered anew with another status: who leaves becomes inactive.
grant select, insert (id, org_id, chapter_id, user_id, status), update (chapter_id, user_id)
on public.peer_mentors to service_role;
grant select on
public.peer_mentor_status_history, public.scheduler_execution_log, public.coordinator_notifications,
public.portal_sync_state
to service_role;
