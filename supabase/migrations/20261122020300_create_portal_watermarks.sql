-- Up to which change the portal has been read (H1): everything before it is stored.
-- Locks: none on existing tables.

create table public.portal_watermarks (
    org_id uuid primary key references public.organisations (id),
    watermark timestamptz not null
);
comment on table public.portal_watermarks is 'The last change of the portal before which everything is stored.';
alter table public.portal_watermarks enable row level security;
revoke all on public.portal_watermarks from anon, authenticated, service_role;
grant select on public.portal_watermarks to authenticated, service_role;
create policy seen_by_admins on public.portal_watermarks for select to authenticated
using (org_id in (select private.my_admin_orgs()));
