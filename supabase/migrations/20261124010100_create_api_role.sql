-- The role that the HTTP entry logs in as (O3). It stands on the internet: it can look who somebody is,
-- read the log of runs, and write down whom it has refused. It starts nothing and changes no mentor.
-- It cannot log in until an operator gives it a password, like the job roles (20261122000700).

do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'mentor_pause_api') then
        create role mentor_pause_api nologin noinherit;
    end if;
exception
    -- Another database of the same cluster creates it at this moment; roles are shared.
    when duplicate_object or unique_violation then null;
end
$$;
comment on role mentor_pause_api is 'mentor-pause: HTTP entry';
alter role mentor_pause_api set statement_timeout = '8s';
grant usage on schema public to mentor_pause_api;
