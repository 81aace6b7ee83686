-- The messages of coordinators about a run (E11): one row per coordinator and run. The policy of messages applies.

create or replace view public.coordinator_notifications with (security_invoker = true) as
select m.id, m.org_id, m.person_id as coordinator_id, m.job_run_id, m.kind, m.mentor_ids, m.created_at
from public.messages as m
where m.audience = 'coordinator' and m.kind in ('paused', 'renewed');
comment on view public.coordinator_notifications is
'The mentors that a run paused, or whose certification it renewed, for one responsible coordinator.';

revoke all on public.coordinator_notifications from anon, authenticated, service_role;
grant select on public.coordinator_notifications to service_role;
grant select on public.coordinator_notifications to authenticated;
