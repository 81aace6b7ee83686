-- What must hold for every table, function and policy.
begin;
create schema if not exists extensions;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
set local client_min_messages = warning;
\ir access/catalogue.sql

select plan(1);
select is_empty('select rule, object from finding', 'no table, function or policy breaks a rule');
select * from finish();
rollback;
