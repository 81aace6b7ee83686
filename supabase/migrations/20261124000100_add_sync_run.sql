-- Which run told the portal (H3): a page that is delivered again reports its mentors as synced by this
-- run, also those whose answer was lost.
-- Locks: the sync state, against writing, while the index is built.

alter table public.portal_sync_state add column job_run_id uuid;
comment on column public.portal_sync_state.job_run_id is 'The run that told the portal of this version.';
create index portal_sync_state_job_run_id_idx on public.portal_sync_state (job_run_id);
