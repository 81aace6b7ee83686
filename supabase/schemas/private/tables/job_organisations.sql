-- The organisations that a job role acts for (R5). The password of a job role is in a cloud secret; a thief of that
-- password must not reach other organisations of the same database. There is one row per login role and
-- organisation, and only the owner writes it.
--
-- A database with one organisation needs no step, because the first organisation is given to the three roles of
-- roles.sql (private.grant_first_organisation). Another organisation, or another stage, gets login roles of its own
-- that inherit a job role:
--
--   create role mentor_pause_job_other login inherit password '...' in role mentor_pause_job;
--   insert into private.job_organisations (role_name, org_id) values ('mentor_pause_job_other', '...');

create table private.job_organisations (
    role_name text not null,
    org_id uuid not null references public.organisations (id) on delete cascade,
    primary key (role_name, org_id)
);
comment on table private.job_organisations is
'The organisations that the login role of a job acts for; only the owner writes it.';
create index job_organisations_org_id_idx on private.job_organisations (org_id);

alter table private.job_organisations enable row level security;
revoke all on private.job_organisations from public, anon, authenticated, service_role;
