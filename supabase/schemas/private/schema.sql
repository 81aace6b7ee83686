-- The schema of helper functions and tables; the API does not expose it. A project that already has a schema of
-- this name keeps its grants. Each of our functions there grants its own rights. A policy finds its functions
-- without usage of the schema.

create schema if not exists private;

-- Policies need functions, and functions need tables. So the schema files create functions first, and PostgreSQL
-- does not check their bodies against tables that do not exist yet.
set check_function_bodies = off;
