-- When a reading of HLF's portal moved a certification to an earlier day, gave it to another mentor, or deleted it (G6). A
-- wrong date in the portal comes through here, so people can see since when, and from which date. It is visible to
-- everybody who may see the mentor (S4).

create table public.certification_changes (
    id bigint generated always as identity primary key,
    mentor_id uuid not null references public.peer_mentors (id) on delete cascade,
    portal_id text,
    changed_at timestamptz not null default clock_timestamp(),
    changed_by text not null,
    job_run_id uuid,
    from_expires_on date not null,
    to_expires_on date
);
comment on table public.certification_changes is 'Changes that leave a mentor with an earlier certification, or with none.';
comment on column public.certification_changes.portal_id is 'The certification in HLF''s portal; null: it is not from the portal.';
comment on column public.certification_changes.changed_by is 'The kind of caller, as private.caller returns it: portal, service and so on.';
comment on column public.certification_changes.job_run_id is 'The sync run that read the new day in the portal; null: no run.';
comment on column public.certification_changes.to_expires_on is 'The new day; null: the mentor does not have this certification any more.';

create index certification_changes_mentor_id_idx on public.certification_changes (mentor_id, id desc);

alter table public.certification_changes enable row level security;
-- The policy of peer_mentors applies to the subquery.
create policy seen_with_the_mentor on public.certification_changes for select to authenticated
using (exists (select from public.peer_mentors as m where m.id = mentor_id));

revoke all on public.certification_changes from anon, authenticated, service_role;
revoke all on sequence public.certification_changes_id_seq from anon, authenticated, service_role;
grant select on public.certification_changes to service_role;
grant select on public.certification_changes to authenticated;
