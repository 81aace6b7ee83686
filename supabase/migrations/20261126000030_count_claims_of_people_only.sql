-- The functions and policies that asked auth.uid() ask private.user_id() now (20261126000020).
-- Locks: the tables with policies, for an instant.

create or replace function private.my_orgs()
returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select o.org_id from public.org_members as o where o.user_id = private.user_id()
    union
    select m.org_id from public.peer_mentors as m where m.user_id = private.user_id()
$$;

create or replace function private.my_admin_orgs()
returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select o.org_id from public.org_members as o
    where o.user_id = private.user_id() and o.role = 'admin'
$$;

create or replace function private.my_mentors()
returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.coordinated_mentors(private.user_id())
    union
    select m.id from public.peer_mentors as m where m.user_id = private.user_id()
$$;

create or replace function private.may_change(p_mentor_id uuid)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select private.caller() in ('job', 'service') or p_mentor_id in (select private.my_mentors())
$$;

create or replace function private.refuse_mentor()
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if private.caller() not in ('job', 'service') then
        raise exception 'not your mentor' using errcode = 'PT403', hint = 'not_yours',
            detail = 'the caller is neither this mentor nor their coordinator';
    end if;
    raise exception 'mentor not found' using errcode = 'PT404', hint = 'mentor_not_found',
        detail = 'no such mentor in this organisation';
end
$$;

create or replace function private.assert_asks_for_self(p_coordinator_id uuid)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if private.caller() <> 'service' and p_coordinator_id is distinct from private.user_id() then
        raise exception 'not your mentors' using errcode = 'PT403', hint = 'not_yours',
            detail = 'p_coordinator_id is the caller';
    end if;
end
$$;

alter policy own_membership_or_as_admin on public.org_members
using (user_id = (select private.user_id()) or org_id in (select private.my_admin_orgs()));

alter policy own_chapters_or_as_admin on public.coordinator_chapters
using (
    (coordinator_id = (select private.user_id()) and chapter_id in (select c.id from public.chapters as c))
    or chapter_id in (
        select c.id from public.chapters as c where c.org_id in (select private.my_admin_orgs())
    )
);

alter policy own_or_as_admin on public.coordinator_notifications
using (
    (
        coordinator_id = (select private.user_id())
        and org_id in (select o.org_id from public.org_members as o where o.user_id = (select private.user_id()))
    )
    or org_id in (select private.my_admin_orgs())
);
