-- The rule by which plans are made, and its version; the version changes whenever the rule does (G1).

create or replace function private.plan_rule()
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select 'certification_expiry/1'
$$;
comment on function private.plan_rule is 'The name and the version of the rule by which plans are made.';
revoke execute on function private.plan_rule from public, anon, authenticated;
