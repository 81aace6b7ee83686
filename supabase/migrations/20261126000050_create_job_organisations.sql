-- For which organisation a job role acts (R5). A password of a job role lies in a cloud secret; a thief of that
-- password must not reach other organisations of the same database. One row per role that logs in and organisation.
--
-- A database with one organisation needs no step: the first organisation is given to the three roles of 20261122000700
-- and 20261124010100. A further organisation, or a further stage, gets login roles of its own that inherit a job role:
--
--   create role mentor_pause_job_other login inherit password '...' in role mentor_pause_job;
--   insert into private.job_organisations (role_name, org_id) values ('mentor_pause_job_other', '...');
--
-- Locks: none on existing tables but the trigger's, for an instant.

create table private.job_organisations (
    role_name text not null,
    org_id uuid not null references public.organisations (id) on delete cascade,
    primary key (role_name, org_id)
);
create index job_organisations_org_id_idx on private.job_organisations (org_id);
comment on table private.job_organisations is 'The organisations that a job''s login role acts for; the owner writes it.';
alter table private.job_organisations enable row level security;
revoke all on private.job_organisations from public, anon, authenticated, service_role;

create function private.give_jobs_the_first_organisation()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
begin
    if (select count(*) from public.organisations) = 1 and not exists (select from private.job_organisations) then
        insert into private.job_organisations (role_name, org_id)
        select role.name, o.id
        from public.organisations as o,
            unnest(array['mentor_pause_job', 'portal_sync', 'mentor_pause_api']) as role (name);
    end if;
    return null;
end
$$;
comment on function private.give_jobs_the_first_organisation is
'Lets the job roles act for the only organisation of a database; for further ones an operator decides.';
revoke execute on function private.give_jobs_the_first_organisation from public, anon, authenticated, service_role;

create trigger give_jobs_the_first_organisation after insert on public.organisations
for each statement execute function private.give_jobs_the_first_organisation();

-- The organisation that is there already, if it is the only one.
insert into private.job_organisations (role_name, org_id)
select role.name, o.id
from public.organisations as o,
    unnest(array['mentor_pause_job', 'portal_sync', 'mentor_pause_api']) as role (name)
where (select count(*) from public.organisations) = 1;
