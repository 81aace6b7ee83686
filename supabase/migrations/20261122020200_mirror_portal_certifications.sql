-- A certification that HLF's portal holds is mirrored in one row here (H1): which one it is there, how
-- new, and which run brought a renewal.
-- Locks: the certifications, against writing, while the indexes are built.

alter table public.certifications
add column portal_id text,
add column portal_modified_on timestamptz,
add column job_run_id uuid;
comment on column public.certifications.portal_id is 'Its id in HLF''s portal; null: it is not from there.';
comment on column public.certifications.portal_modified_on is 'When the portal changed it last.';
comment on column public.certifications.job_run_id is 'The run that renewed the mentor''s certification by it.';
create unique index certifications_portal_id_idx on public.certifications (portal_id);
create index certifications_job_run_id_idx on public.certifications (job_run_id) where job_run_id is not null;
