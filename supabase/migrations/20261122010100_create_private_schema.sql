-- Helper functions of the policies and of the public functions live here: the API does not expose
-- this schema. A project that has one of that name already keeps its grants; which of our functions a
-- role may execute is granted one by one. A policy finds its functions without usage of the schema.
-- Locks: none.

create schema if not exists private;
