-- How HLF's portal and the database differ, by the last measurement (H5). record_portal_drift replaces the row; the console
-- shows it to administrators (C4). A difference names our mentor, and never the portal's key, which may be a person's name.
-- Administrators see the row of their organisation (S4).

create table public.portal_differences (
    org_id uuid primary key references public.organisations (id) on delete cascade,
    measured_at timestamptz not null,
    differing_count integer not null,
    differences jsonb not null
);
comment on table public.portal_differences is 'How the portal and the database differ, by the last measurement.';
comment on column public.portal_differences.differing_count is 'How many mentors differ; differences has at most 1000 of them.';
comment on column public.portal_differences.differences is
'An array of objects: kind, mentor_id (null: not known here), here, there, since.';

alter table public.portal_differences enable row level security;
create policy seen_by_admins on public.portal_differences for select to authenticated
using (org_id in (select private.my_admin_orgs()));

revoke all on public.portal_differences from anon, authenticated, service_role;
grant select on public.portal_differences to service_role;
grant select on public.portal_differences to authenticated;
