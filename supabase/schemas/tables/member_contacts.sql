-- The name, the e-mail address and the language of coordinators and administrators (W3). No log line, event or
-- e-mail holds what this table holds (W5). A project that has these data elsewhere replaces the table by a view of the
-- same columns (docs/adopting.md). People see their own contact; an administrator sees all of the organisation (S4).

create table public.member_contacts (
    org_id uuid not null,
    user_id uuid not null,
    display_name text not null check (length(display_name) between 1 and 200),
    email text check (length(email) <= 320),
    language text not null default 'nb' check (language in ('nb', 'en')),
    primary key (org_id, user_id),
    foreign key (org_id, user_id) references public.org_members (org_id, user_id) on delete cascade
);
comment on table public.member_contacts is
'The name and the e-mail address of a coordinator or an administrator, and the language of their messages.';
create index member_contacts_user_id_idx on public.member_contacts (user_id);

alter table public.member_contacts enable row level security;
create policy own_contact_or_as_admin on public.member_contacts for select to authenticated
using (user_id = (select private.user_id()) or org_id in (select private.my_admin_orgs()));

revoke all on public.member_contacts from anon, authenticated, service_role;
grant select, insert, update, delete on public.member_contacts to service_role;
grant select on public.member_contacts to authenticated;
