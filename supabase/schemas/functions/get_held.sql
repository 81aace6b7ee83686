-- The newest plan, if it holds or held anybody (C4, G3): its figures, its approval, and one page of its held mentors in id order, at most
-- 200 after p_after. why is why the pause is unforeseen; changed_from, changed_at and changed_by are of the last change of a
-- certification to an earlier day; has_changed: the mentor is not as the plan says any more. is_own_run: the caller asked for
-- the run, so another person has to approve the plan.
-- Called by: the console, for administrators.
-- Errors: PT403 not_an_administrator.

create or replace function public.get_held(p_org_id uuid, p_after uuid default null)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_plan public.plans;
    v_held jsonb;
begin
    perform private.assert_administrator(p_org_id);
    select * into v_plan from public.plans as p where p.job_run_id = private.newest_plan(p_org_id) and p.held_count > 0;
    with held as materialized (
        select e.* from private.held_entries(v_plan.job_run_id) as e
    ),

    page as (
        select e.*, row_number() over (order by e.mentor_id) as place
        from held as e
        where e.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        order by e.mentor_id limit 201
    )

    select jsonb_build_object(
        'changed_count', (select count(*) from held as e where e.has_changed),
        'next_after', case when count(*) > 200 then max(e.mentor_id::text) filter (where e.place = 200) end,
        'mentors', coalesce(jsonb_agg(jsonb_build_object(
            'mentor_id', e.mentor_id, 'display_name', k.display_name, 'expires_on', e.expires_on, 'why', e.why,
            'changed_from', private.clamp_day(c.from_expires_on), 'changed_at', c.changed_at, 'changed_by', c.changed_by,
            'has_changed', e.has_changed
        ) order by e.place) filter (where e.place <= 200), '[]')
    ) into v_held
    from page as e
    left join public.mentor_contacts as k on k.mentor_id = e.mentor_id
    left join lateral (
        select x.* from public.certification_changes as x where x.mentor_id = e.mentor_id order by x.id desc limit 1
    ) as c on true;

    return v_held || jsonb_build_object('plan', case when v_plan.job_run_id is not null then (
        select jsonb_build_object(
            'job_run_id', v_plan.job_run_id, 'plan_hash', v_plan.plan_hash, 'as_of', v_plan.as_of, 'made_at', v_plan.made_at,
            'planned_count', v_plan.planned_count, 'unforeseen_count', v_plan.unforeseen_count,
            'held_count', v_plan.held_count, 'brake_count', v_plan.brake_count, 'brake_percent', v_plan.brake_percent,
            'active_count', v_plan.active_count, 'approved_at', a.approved_at, 'approval_note', a.note,
            'has_release', exists (
                select from public.scheduler_execution_log as l
                where l.org_id = p_org_id and l.plan_of = v_plan.job_run_id and l.approved_by is not null
                    and l.status in ('running', 'completed')
            ),
            'is_own_run', exists (
                select from public.scheduler_execution_log as l
                where l.job_run_id = v_plan.job_run_id and l.trigger = 'manual'
                    and l.triggered_by = 'user ' || private.user_id()
            )
        )
        from (select v_plan.job_run_id) as newest (job_run_id)
        left join public.plan_approvals as a on a.job_run_id = newest.job_run_id
    ) end);
end
$$;
comment on function public.get_held is
'The newest plan with its held mentors, as one JSON object.';
revoke execute on function public.get_held from public, anon, authenticated, service_role;
grant execute on function public.get_held to authenticated;
