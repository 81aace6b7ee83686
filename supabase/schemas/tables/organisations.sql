-- Organisations. People see the organisations that they belong to (S4).

create table public.organisations (
    id uuid primary key default gen_random_uuid(),
    slug text not null unique check (slug ~ '^[a-z][a-z0-9-]{1,62}$'),
    time_zone text not null default 'Europe/Oslo' check (private.is_time_zone(time_zone))
);
comment on table public.organisations is 'A mentoring organisation. Its time zone decides the present day.';

create trigger grant_first_organisation after insert on public.organisations
for each statement execute function private.grant_first_organisation();

alter table public.organisations enable row level security;
create policy own_organisations on public.organisations for select to authenticated
using (id in (select private.my_orgs()));

revoke all on public.organisations from anon, authenticated, service_role;
grant select, insert, update, delete on public.organisations to service_role;
grant select on public.organisations to authenticated;
