-- What people see of organisations (S4): the organisations that they belong to with their chapters,
-- and who coordinates what as far as it is about themselves; an administrator sees it all.
-- Anonymous callers hold no grant on any table, and nobody writes through the API.
-- Locks: the tables, for an instant.

grant select on
public.organisations, public.chapters, public.org_members, public.coordinator_chapters
to authenticated;

create policy own_organisations on public.organisations for select to authenticated
using (id in (select private.my_orgs()));

create policy chapters_of_own_organisations on public.chapters for select to authenticated
using (org_id in (select private.my_orgs()));

create policy own_membership_or_as_admin on public.org_members for select to authenticated
using (user_id = (select auth.uid()) or org_id in (select private.my_admin_orgs()));

-- The subqueries are answered by the policy of chapters: who left the organisation sees none.
create policy own_chapters_or_as_admin on public.coordinator_chapters for select to authenticated
using (
    (coordinator_id = (select auth.uid()) and chapter_id in (select c.id from public.chapters as c))
    or chapter_id in (
        select c.id from public.chapters as c where c.org_id in (select private.my_admin_orgs())
    )
);
