-- The roles that log in on the pooled transport (D9, E12): one for the nightly job, one for the portal sync, one
-- for the HTTP entry, one for the notifier. Each may execute the functions that are granted to it, and nothing else: it has no right on
-- a table and is not a member of service_role. The HTTP entry is reachable from the internet, so its role cannot
-- start a run or change a mentor: it looks up a user's role, reads the log, and logs the callers that it refuses
-- (O3).
--
-- A role cannot log in until an operator gives it a password: alter role ... login password '...'.
--
-- Roles belong to the cluster and not to a database, so each role may exist already.

do $$
declare
    v_role text;
begin
    foreach v_role in array array['mentor_pause_job', 'portal_sync', 'mentor_pause_api', 'mentor_pause_notifier'] loop
        begin
            if not exists (select from pg_catalog.pg_roles where rolname = v_role) then
                execute format('create role %I nologin noinherit', v_role);
            end if;
        exception
            -- Another database of the same cluster creates it at this moment.
            when duplicate_object or unique_violation then null;
        end;
    end loop;
end
$$;
comment on role mentor_pause_job is 'mentor-pause: dispatcher and expiry worker';
comment on role portal_sync is 'mentor-pause: HLF portal sync worker';
comment on role mentor_pause_api is 'mentor-pause: HTTP entry';
comment on role mentor_pause_notifier is 'mentor-pause: notifier, which sends the e-mails';

-- PostgreSQL ends an idle transaction of these roles, so that the row locks of a client that has disconnected do
-- not stay (R5), and lets them wait for a lock no longer than the functions do. These are defaults of the login: a
-- login role that inherits one of these roles needs its own settings (docs/deployment.md).
alter role mentor_pause_job set statement_timeout = '8s';
alter role mentor_pause_job set idle_in_transaction_session_timeout = '10s';
alter role mentor_pause_job set lock_timeout = '3s';
alter role portal_sync set statement_timeout = '8s';
alter role portal_sync set idle_in_transaction_session_timeout = '10s';
alter role portal_sync set lock_timeout = '3s';
alter role mentor_pause_api set statement_timeout = '8s';
alter role mentor_pause_api set idle_in_transaction_session_timeout = '10s';
alter role mentor_pause_api set lock_timeout = '3s';
alter role mentor_pause_notifier set statement_timeout = '8s';
alter role mentor_pause_notifier set idle_in_transaction_session_timeout = '10s';
alter role mentor_pause_notifier set lock_timeout = '3s';

grant usage on schema public to mentor_pause_job, portal_sync, mentor_pause_api, mentor_pause_notifier;
