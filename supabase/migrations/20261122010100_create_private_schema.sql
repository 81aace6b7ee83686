-- Helper functions of the policies and of the public functions live here: the API does not expose
-- this schema, and nobody but the owner may use it. A policy finds its functions without that; which
-- of them a caller's role may execute is granted one by one.
-- Locks: none.

create schema if not exists private;
comment on schema private is 'mentor-pause: helpers of policies and functions; not exposed by the API';
revoke all on schema private from public, anon, authenticated, service_role;
