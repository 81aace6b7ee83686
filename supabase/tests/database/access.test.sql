-- Runs every cell of the access matrix (S5).
begin;
create schema if not exists extensions;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
set local client_min_messages = warning;
\ir access/world.sql
\ir access/engine.sql
\ir access/matrix.sql

select plan(count(*)::integer) from cell;
select is(actual, expected, format('%s, %s, as %s', object, operation, persona)) from result;
select * from finish();
rollback;
