-- The hash of a plan (G1): SHA-256, in hexadecimal, of these lines in UTF-8, each with a line feed at its end. Days are
-- written as 2026-11-22, ids in lower case.
--
--   <rule>,<organisation>,<day>
--   <mentor>,<version>,<expiry date>,<action>     for each mentor, in the order of their ids
--
-- The arrays are in that order.
-- Called by: summarise_plan, private.close_plan.

create or replace function private.hash_plan(
    p_org_id uuid, p_as_of date, p_mentor_ids uuid [], p_versions integer [], p_expires_ons date [], p_actions text []
)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select encode(
        sha256(convert_to(
            format(E'%s,%s,%s\n', private.plan_rule(), p_org_id, to_char(p_as_of, 'YYYY-MM-DD'))
            || coalesce(
                string_agg(
                    p.mentor_id || ',' || p.version || ',' || to_char(p.expires_on, 'YYYY-MM-DD') || ',' || p.action || E'\n',
                    '' order by p.place
                ), ''
            ), 'UTF8'
        )), 'hex'
    )
    from unnest(p_mentor_ids, p_versions, p_expires_ons, p_actions)
        with ordinality as p (mentor_id, version, expires_on, action, place)
$$;
comment on function private.hash_plan is 'SHA-256 of a plan: rule, organisation and day, then a line for each mentor.';
revoke execute on function private.hash_plan from public, anon, authenticated;
