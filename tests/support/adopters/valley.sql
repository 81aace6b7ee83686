-- A club whose tables share no word with the association's: uuid and text keys, enums, moments, booleans, people who are
-- no mentors.
create type public.condition as enum ('ok', 'rest', 'gone');
create type public.officer as enum ('boss', 'guide', 'cashier');
create table public.sections (code varchar(8) primary key, label varchar(40) not null);
create table public.people (
    person uuid primary key default gen_random_uuid(), name varchar(80) not null, login uuid references auth.users,
    section varchar(8) references public.sections, is_mentor boolean not null default true,
    condition public.condition not null default 'ok', portal_no integer unique,
    mail varchar(254)
);
create table public.licences (id bigint generated always as identity primary key, person uuid, ends_at timestamptz, withdrawn_at timestamptz);
create table public.officers (login uuid not null references auth.users, kind public.officer not null, primary key (login, kind));
create table public.addresses (login uuid primary key references auth.users, called varchar(80) not null, mail varchar(254));
create table public.guidance (guide uuid not null, person uuid not null, is_current boolean not null default true);
create table public.section_guides (login uuid not null, section varchar(8) not null references public.sections);

alter table public.sections enable row level security;
alter table public.people enable row level security;
alter table public.licences enable row level security;
alter table public.officers enable row level security;
alter table public.addresses enable row level security;
alter table public.guidance enable row level security;
alter table public.section_guides enable row level security;
create policy mine on public.people to authenticated using (
    login = auth.uid() or exists (select from public.guidance as g where g.person = people.person and g.guide = auth.uid())
);
create policy mine on public.licences for select to authenticated using (exists (select from public.people as p where p.person = licences.person));
create policy mine on public.guidance for select to authenticated using (guide = auth.uid());

insert into public.sections values ('N', 'North'), ('S', 'South');
insert into public.people (name, section, is_mentor, condition, portal_no, mail)
select 'Person ' || n, case when n % 3 = 0 then 'N' when n % 3 = 1 then 'S' end, n % 10 <> 9,
    case n % 20 when 4 then 'rest' when 8 then 'gone' else 'ok' end::public.condition, n,
    case n % 15 when 5 then '' when 10 then null else 'Person.' || n || '@Example.no' end
from generate_series(1, 200) as n;
insert into public.licences (person, ends_at, withdrawn_at)
select p.person, date_trunc('day', now() at time zone 'Europe/Oslo') at time zone 'Europe/Oslo'
    + case when p.portal_no % 5 = 0 then interval '-9 hours' else interval '90 days' end,
    case when p.portal_no = 11 then now() end
from public.people as p where p.is_mentor
union all
select p.person, timestamptz '2024-01-01 00:00 Europe/Oslo', null from public.people as p where p.portal_no in (11, 12);
insert into public.officers select public.account(n), case n when 1 then 'boss' when 9 then 'cashier' else 'guide' end::public.officer
from generate_series(1, 9) as n
union all
select public.account(10), kind::public.officer from unnest(array['boss', 'guide']) as kind;
insert into public.addresses select public.account(n), 'Officer ' || n, 'officer' || n || '@example.no' from generate_series(1, 10) as n;
insert into public.guidance select public.account(2 + p.portal_no % 5), p.person, p.portal_no % 7 > 0 from public.people as p where p.is_mentor;
insert into public.section_guides values (public.account(8), 'N');
