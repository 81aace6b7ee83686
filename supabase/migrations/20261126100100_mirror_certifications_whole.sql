-- The portal sync reads all certifications of the portal in each run, and leaves here exactly those that are valid there (H1).
-- A reading of changes alone would not see a row that the portal has deleted.
--
-- The reading goes by the time of each row's last change. The watermark says how far the run's reading has come, so
-- that another invocation of the worker goes on from there. Each certification says which run's reading met it last; in the end the
-- worker asks the portal for each one that its reading did not meet.
-- Locks: the tables, for an instant.

alter table public.portal_watermarks
add column job_run_id uuid,
alter column watermark drop not null;
comment on table public.portal_watermarks is 'How far the present reading of the portal''s certifications has come.';
comment on column public.portal_watermarks.job_run_id is 'The run that reads.';
comment on column public.portal_watermarks.watermark is
'The run has read every certification that changed before this moment of the portal; null: none yet.';

alter table public.certifications add column met_by uuid;
comment on column public.certifications.met_by is 'The run whose reading of the portal met this certification last.';

drop function public.get_portal_watermark(uuid);
drop function public.move_portal_watermark(uuid, timestamptz);
drop function public.list_new_portal_changes(uuid, text [], text [], timestamptz []);
drop function public.record_portal_certification(uuid, text, text, date, timestamptz, uuid);
