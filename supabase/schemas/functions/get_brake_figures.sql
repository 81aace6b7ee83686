-- The figures of the brake (G2, G3): how many mentors are held now, by which run, and since when; and whether their plan is
-- approved. Also how many unforeseen mentors the runs of a night paused in mode watch, if they were more than the limits.
-- A run does not count after a withdrawal has resumed one of its mentors.
-- Called by: the monitor; the command line.
-- Errors: 42501 not_your_organisation, 22023 p_as_of is out of bounds.

create or replace function public.get_brake_figures(p_org_id uuid, p_as_of date)
returns table (
    held_count bigint,
    held_by uuid,
    held_since timestamptz,
    plan_hash text,
    is_approved boolean,
    unforeseen_count bigint,
    unforeseen_by uuid
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_date('p_as_of', p_as_of);
    with held as (
        select count(*) as held_count from private.held_mentors(p_org_id)
    ),

    newest as (
        select p.* from public.plans as p, held as h
        where p.job_run_id = private.newest_plan(p_org_id) and h.held_count > 0
    ),

    unforeseen as (
        select p.job_run_id, p.unforeseen_count
        from public.plans as p
        where p.org_id = p_org_id and p.as_of = p_as_of and not p.dry_run and p.brake_acts and p.brake_mode = 'watch'
            and not exists (
                select from public.scheduler_execution_log as l
                where l.withdraws = p.job_run_id and l.status = 'completed' and l.resumed_count > 0 and not l.dry_run
            )
        order by p.unforeseen_count desc, p.made_at desc
        limit 1
    )

    select
        h.held_count, n.job_run_id, n.made_at, n.plan_hash,
        exists (select from public.plan_approvals as a where a.job_run_id = n.job_run_id),
        coalesce((select u.unforeseen_count from unforeseen as u), 0)::bigint, (select u.job_run_id from unforeseen as u)
    from held as h left join newest as n on true
$$;
comment on function public.get_brake_figures is
'The mentors who are held now, and those whom the runs of a night paused unforeseen, above the limits.';
revoke execute on function public.get_brake_figures from public, anon, authenticated;
grant execute on function public.get_brake_figures to service_role, mentor_pause_job;
