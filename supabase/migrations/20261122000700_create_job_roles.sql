-- The two roles that the Lambdas log in as on the pooled wire. Both can execute the functions granted
-- to them by the later migrations, and nothing else: no table, no membership in service_role (D9, E12).
-- They cannot log in until an operator gives them a password: alter role ... login password '...'.
-- Called by: nobody; granted to in each function's own migration.

do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'mentor_pause_job') then
        create role mentor_pause_job nologin noinherit;
    end if;
    if not exists (select from pg_catalog.pg_roles where rolname = 'portal_sync') then
        create role portal_sync nologin noinherit;
    end if;
exception
    -- Another database of the same cluster creates them at this moment; roles are shared.
    when duplicate_object or unique_violation then null;
end
$$;
comment on role mentor_pause_job is 'mentor-pause: dispatcher and expiry worker';
comment on role portal_sync is 'mentor-pause: HLF portal sync worker';
alter role mentor_pause_job set statement_timeout = '8s';
alter role portal_sync set statement_timeout = '8s';
grant usage on schema public to mentor_pause_job, portal_sync;
