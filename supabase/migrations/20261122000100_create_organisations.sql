-- Organisations, their chapters and the people who act for them. A person is a user id of the
-- identity provider (auth.users on Supabase); no names are kept here.
-- Locks: none on existing tables.

create table public.organisations (
    id uuid primary key default gen_random_uuid(),
    slug text not null unique check (slug ~ '^[a-z][a-z0-9-]{1,62}$'),
    time_zone text not null default 'Europe/Oslo'
);
comment on table public.organisations is 'A mentoring organisation. Its time zone decides which day "today" is.';

create table public.chapters (
    id uuid primary key default gen_random_uuid(),
    org_id uuid not null references public.organisations (id),
    name text not null
);
create index chapters_org_id_idx on public.chapters (org_id);
comment on table public.chapters is 'A local chapter of an organisation.';

create table public.org_members (
    org_id uuid not null references public.organisations (id),
    user_id uuid not null,
    role text not null check (role in ('admin', 'coordinator')),
    primary key (org_id, user_id)
);
create index org_members_user_id_idx on public.org_members (user_id);
comment on table public.org_members is 'Who administers or coordinates an organisation.';

create table public.coordinator_chapters (
    coordinator_id uuid not null,
    chapter_id uuid not null references public.chapters (id) on delete cascade,
    primary key (coordinator_id, chapter_id)
);
create index coordinator_chapters_chapter_id_idx on public.coordinator_chapters (chapter_id);
comment on table public.coordinator_chapters is 'The chapters that a coordinator is responsible for; many to many.';

alter table public.organisations enable row level security;
alter table public.chapters enable row level security;
alter table public.org_members enable row level security;
alter table public.coordinator_chapters enable row level security;
revoke all on public.organisations, public.chapters, public.org_members, public.coordinator_chapters
from anon, authenticated;
