-- The name, the e-mail address and the language of mentors (W3). No log line, event or e-mail holds what this table
-- holds (W5). A project that has these data elsewhere replaces the table by a view of the same columns
-- (docs/adopting.md). A contact is visible to everybody who may see the mentor (S4).

create table public.mentor_contacts (
    mentor_id uuid primary key references public.peer_mentors (id) on delete cascade,
    display_name text not null check (length(display_name) between 1 and 200),
    email text check (length(email) <= 320),
    language text not null default 'nb' check (language in ('nb', 'en'))
);
comment on table public.mentor_contacts is 'The name and the e-mail address of a mentor, and the language of their messages.';
comment on column public.mentor_contacts.email is 'Null: the mentor has no address, and their coordinators are informed.';

alter table public.mentor_contacts enable row level security;
-- The policy of peer_mentors applies to the subquery.
create policy seen_with_the_mentor on public.mentor_contacts for select to authenticated
using (exists (select from public.peer_mentors as m where m.id = mentor_id));

revoke all on public.mentor_contacts from anon, authenticated, service_role;
grant select, insert, update, delete on public.mentor_contacts to service_role;
grant select on public.mentor_contacts to authenticated;
