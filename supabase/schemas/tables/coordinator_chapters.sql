-- The chapters that a coordinator is responsible for. Coordinators see their own; an administrator sees all (S4).

create table public.coordinator_chapters (
    coordinator_id uuid not null,
    chapter_id uuid not null references public.chapters (id) on delete cascade,
    primary key (coordinator_id, chapter_id)
);
comment on table public.coordinator_chapters is 'The chapters that a coordinator is responsible for; many to many.';
create index coordinator_chapters_chapter_id_idx on public.coordinator_chapters (chapter_id);

alter table public.coordinator_chapters enable row level security;
-- The policy of chapters applies to the subqueries, so a coordinator who has left the organisation sees no row.
create policy own_chapters_or_as_admin on public.coordinator_chapters for select to authenticated
using (
    (coordinator_id = (select private.user_id()) and chapter_id in (select c.id from public.chapters as c))
    or chapter_id in (
        select c.id from public.chapters as c where c.org_id in (select private.my_admin_orgs())
    )
);

revoke all on public.coordinator_chapters from anon, authenticated, service_role;
grant select, insert, update, delete on public.coordinator_chapters to service_role;
grant select on public.coordinator_chapters to authenticated;
