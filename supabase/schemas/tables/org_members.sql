-- The people who act for an organisation. A person is a user id of the identity provider (auth.users on Supabase);
-- this table holds no names. People see their own membership; an administrator sees all members (S4).

create table public.org_members (
    org_id uuid not null references public.organisations (id),
    user_id uuid not null,
    role text not null check (role in ('admin', 'coordinator')),
    primary key (org_id, user_id)
);
comment on table public.org_members is 'The administrators and coordinators of an organisation.';
create index org_members_user_id_idx on public.org_members (user_id);

alter table public.org_members enable row level security;
create policy own_membership_or_as_admin on public.org_members for select to authenticated
using (user_id = (select private.user_id()) or org_id in (select private.my_admin_orgs()));

revoke all on public.org_members from anon, authenticated, service_role;
grant select, insert, update, delete on public.org_members to service_role;
grant select on public.org_members to authenticated;
