-- How far a sync run has read the portal's certifications (H1). The run reads them in the order of their last change.
-- If an invocation of the worker ends, another invocation continues from the watermark. Administrators see the rows
-- of their organisation (S4).

create table public.portal_watermarks (
    org_id uuid primary key references public.organisations (id),
    job_run_id uuid,
    watermark timestamptz
);
comment on table public.portal_watermarks is 'How far the present reading of the portal''s certifications has got.';
comment on column public.portal_watermarks.job_run_id is 'The run that reads the portal.';
comment on column public.portal_watermarks.watermark is
'The run has read every certification that changed before this moment (the portal''s clock); null: none yet.';

alter table public.portal_watermarks enable row level security;
create policy seen_by_admins on public.portal_watermarks for select to authenticated
using (org_id in (select private.my_admin_orgs()));

revoke all on public.portal_watermarks from anon, authenticated, service_role;
grant select on public.portal_watermarks to authenticated, service_role;
