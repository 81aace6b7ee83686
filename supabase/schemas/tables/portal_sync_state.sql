-- What the HLF portal holds about each mentor, as far as the hlf_sync job knows (H1, H3): the version, and the run
-- that sent it. If a page is delivered again, the worker counts the mentors that this run has already sent as synced,
-- even if the portal's answer was lost. Administrators see the rows of their organisation (S4).
--
-- effective_on is the day that was sent to the portal. It is stored, and not computed from the organisation's time
-- zone at each reading: after a change of the time zone, the portal and the database would differ for mentors whose
-- status has not changed.

create table public.portal_sync_state (
    mentor_id uuid references public.peer_mentors (id) on delete cascade,
    synced_version integer not null,
    effective_on date,
    synced_at timestamptz not null default clock_timestamp(),
    job_run_id uuid,
    -- The listing of unsynced mentors reads this index alone.
    primary key (mentor_id) include (synced_version)
);
comment on table public.portal_sync_state is 'The last version of each mentor that the portal has accepted.';
comment on column public.portal_sync_state.effective_on is
'The day of the change, as sent to the portal; null: the sync did not record it.';
comment on column public.portal_sync_state.job_run_id is 'The run that sent this version to the portal.';
create index portal_sync_state_job_run_id_idx on public.portal_sync_state (job_run_id);
-- The mentor who was synced longest ago.
create index portal_sync_state_synced_at_idx on public.portal_sync_state (synced_at, mentor_id);

alter table public.portal_sync_state enable row level security;
create policy seen_by_admins on public.portal_sync_state for select to authenticated
using (
    exists (
        select from public.peer_mentors as m
        where m.id = mentor_id and m.org_id in (select private.my_admin_orgs())
    )
);

revoke all on public.portal_sync_state from anon, authenticated, service_role;
grant select on public.portal_sync_state to service_role;
grant select on public.portal_sync_state to authenticated;
