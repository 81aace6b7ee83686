-- The chapters of organisations. People see the chapters of their own organisations (S4).

create table public.chapters (
    id uuid primary key default gen_random_uuid(),
    org_id uuid not null references public.organisations (id),
    name text not null
);
comment on table public.chapters is 'A local chapter of an organisation.';
create index chapters_org_id_idx on public.chapters (org_id);

alter table public.chapters enable row level security;
create policy chapters_of_own_organisations on public.chapters for select to authenticated
using (org_id in (select private.my_orgs()));

revoke all on public.chapters from anon, authenticated, service_role;
grant select, insert, update, delete on public.chapters to service_role;
grant select on public.chapters to authenticated;
