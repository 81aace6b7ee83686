-- What people see of runs (S4): coordinators the notifications that are theirs, administrators what
-- ran for their organisation and how far the portal is. Nobody writes through the API.
-- Locks: the tables, for an instant.

grant select on
public.scheduler_execution_log, public.coordinator_notifications, public.portal_sync_state
to authenticated;

create policy seen_by_admins on public.scheduler_execution_log for select to authenticated
using (org_id in (select private.my_admin_orgs()));

create policy own_or_as_admin on public.coordinator_notifications for select to authenticated
using (
    (
        coordinator_id = (select auth.uid())
        and org_id in (select o.org_id from public.org_members as o where o.user_id = (select auth.uid()))
    )
    or org_id in (select private.my_admin_orgs())
);

create policy seen_by_admins on public.portal_sync_state for select to authenticated
using (
    exists (
        select from public.peer_mentors as m
        where m.id = mentor_id and m.org_id in (select private.my_admin_orgs())
    )
);
