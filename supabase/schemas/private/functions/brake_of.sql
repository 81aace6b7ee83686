-- The brake of an organisation (G2): its mode and limits, and whether it acts on so many unforeseen pauses. It acts if there
-- are more than both limits. Only then, and in mode hold, the unforeseen mentors are held.
-- Called by: plan_certification_expiry, summarise_plan, explain_mentor, private.close_plan, private.brake_outcome.

create or replace function private.brake_of(p_org_id uuid, p_unforeseen bigint, p_active bigint)
returns table (brake_mode text, brake_count integer, brake_percent numeric, brake_acts boolean)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select
        b.brake_mode, b.brake_count, b.brake_percent,
        b.brake_mode <> 'off' and p_unforeseen > b.brake_count and p_unforeseen * 100 > p_active * b.brake_percent
    from (
        select
            coalesce(s.brake_mode, 'watch') as brake_mode, coalesce(s.brake_count, 10) as brake_count,
            coalesce(s.brake_percent, 5) as brake_percent
        from (select p_org_id) as asked (org_id)
        left join public.organisation_settings as s on s.org_id = asked.org_id
    ) as b
$$;
comment on function private.brake_of is 'The mode and the limits of an organisation''s brake, and whether it acts.';
revoke execute on function private.brake_of from public, anon, authenticated;
