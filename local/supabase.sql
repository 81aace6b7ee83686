-- The parts of a Supabase project that the migrations rely on. The roles exist already.

grant usage on schema public to anon, authenticated, service_role;

-- As on Supabase: clients have every right that a migration does not revoke.
alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;

-- PostgREST puts the claims of the caller's token into a setting of the transaction.
create schema if not exists auth;
grant usage on schema auth to anon, authenticated, service_role;
create or replace function auth.uid() returns uuid language sql stable as $$
    select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid
$$;
