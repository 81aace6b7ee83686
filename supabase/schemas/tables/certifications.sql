-- The certifications of mentors. A certification that HLF's portal holds is mirrored in one row here (H1). Each sync
-- run reads all of the portal's certifications, and leaves exactly those that are valid there: if a run read only
-- changes, it would not notice a row that the portal has deleted. A certification is visible to everybody who may
-- see the mentor (S4).

create table public.certifications (
    id uuid primary key default gen_random_uuid(),
    mentor_id uuid not null references public.peer_mentors (id) on delete cascade,
    expires_on date not null,
    portal_id text,
    portal_modified_on timestamptz,
    seen_by_run_id uuid,
    job_run_id uuid
);
comment on table public.certifications is
'A certification of a mentor. The latest expires_on of a mentor counts; on that day the certification has expired.';
comment on column public.certifications.portal_id is 'The id in HLF''s portal; null: not from the portal.';
comment on column public.certifications.portal_modified_on is 'When the portal last changed it.';
comment on column public.certifications.seen_by_run_id is
'The last run whose reading of the portal has seen this certification.';
comment on column public.certifications.job_run_id is 'The run in which this certification renewed the mentor.';

create index certifications_mentor_id_idx on public.certifications (mentor_id, expires_on desc);
-- The certifications that expire soon (W1).
create index certifications_expires_on_idx on public.certifications (expires_on, mentor_id);
create unique index certifications_portal_id_idx on public.certifications (portal_id);
create index certifications_job_run_id_idx on public.certifications (job_run_id, mentor_id) where job_run_id is not null;

alter table public.certifications enable row level security;
-- The policy of peer_mentors applies to the subquery. PostgreSQL looks up a few rows by key, and hashes many.
create policy seen_with_the_mentor on public.certifications for select to authenticated
using (exists (select from public.peer_mentors as m where m.id = mentor_id));

revoke all on public.certifications from anon, authenticated, service_role;
grant select, insert, update, delete on public.certifications to service_role;
grant select on public.certifications to authenticated;
