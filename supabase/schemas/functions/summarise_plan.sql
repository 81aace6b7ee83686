-- The hash and the counts of the plan for a day, as plan_certification_expiry makes it now (G1). The hash is that of a run
-- which would begin now for this day.
-- Called by: the command line, an adopter.
-- Errors: 42501 not_your_organisation, 22023 p_as_of is missing or out of bounds.

create or replace function public.summarise_plan(p_org_id uuid, p_as_of date)
returns table (
    plan_hash text,
    brake_mode text,
    brake_count integer,
    brake_percent numeric,
    brake_acts boolean,
    active_count bigint,
    planned_count bigint,
    unforeseen_count bigint,
    held_count bigint
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    with planned as materialized (
        select p.* from public.plan_certification_expiry(p_org_id, p_as_of) as p
    ),

    counts as (
        select
            count(*) as planned, count(*) filter (where p.why <> 'forewarned') as unforeseen,
            count(*) filter (where p.action = 'hold') as held,
            private.hash_plan(
                p_org_id, p_as_of, array_agg(p.mentor_id order by p.mentor_id), array_agg(p.version order by p.mentor_id),
                array_agg(p.expires_on order by p.mentor_id), array_agg(p.action order by p.mentor_id)
            ) as plan_hash,
            (select count(*) from public.peer_mentors as m where m.org_id = p_org_id and m.status = 'active') as active
        from planned as p
    )

    select
        c.plan_hash, b.brake_mode, b.brake_count, b.brake_percent, b.brake_acts, c.active, c.planned, c.unforeseen, c.held
    from counts as c cross join lateral private.brake_of(p_org_id, c.unforeseen, c.active) as b
$$;
comment on function public.summarise_plan is 'The hash and the counts of the plan for a day, as it would be now.';
revoke execute on function public.summarise_plan from public, anon, authenticated;
grant execute on function public.summarise_plan to service_role, mentor_pause_job;
