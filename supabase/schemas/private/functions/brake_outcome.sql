-- The brake, under a mentor's lock (G2, G4): whether a run may pause this mentor. Null: it may.
--
--   held            the run's plan holds the mentor; or the organisation's mode is hold, and neither a warning in time nor
--                   the run's plan covers this version and this date
--   changed_since   the run releases an approved plan, and the mentor is not as that plan says
--
-- A run in mode hold therefore pauses nobody whom its plan does not release, whichever way it was started. A plan that is
-- not whole releases nobody. A mentor whom a newer plan holds is held for earlier plans too, so a redrive, or runs for
-- earlier days, go around no brake. A redrive carries out the plan of the run before it. In the other modes a mentor who
-- changed after the plan is paused too, because a mentor who stays visible is the worse mistake.
-- The plan of a dry run releases nobody: only another dry run sees it.
-- update_mentor_status does not call it if the run's own plan pauses the mentor for this date, and the plan says that the
-- mentor was forewarned, or the mode is not hold.
-- Called by: update_mentor_status, list_run_outcomes, explain_mentor.

create or replace function private.brake_outcome(
    p_org_id uuid,
    p_job_run_id uuid,
    p_mentor_id uuid,
    p_version integer,
    p_expires_on date,
    p_as_of date,
    p_dry_run boolean
)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
declare
    v_expires_on constant date := private.clamp_day(p_expires_on);
    v_plan_of uuid;
    v_is_release boolean;
    v_plan public.plans;
    v_action text;
    v_is_same boolean;
begin
    select l.plan_of, l.approved_by is not null into v_plan_of, v_is_release
    from public.scheduler_execution_log as l
    where l.job_run_id = p_job_run_id and l.status in ('running', 'completed', 'failed');
    select * into v_plan from public.plans as p
    where p.job_run_id = coalesce(v_plan_of, p_job_run_id) and p.plan_hash is not null and (p_dry_run or not p.dry_run);
    select e.action, e.version = p_version and e.expires_on = v_expires_on into v_action, v_is_same
    from public.plan_mentors as e
    where e.job_run_id = v_plan.job_run_id and e.mentor_id = p_mentor_id;

    if v_is_release then
        return case when v_action = 'hold' and v_is_same then null else 'changed_since' end;
    elsif v_action = 'hold' and v_plan_of is null then
        return 'held';
    elsif (select b.brake_mode from private.brake_of(p_org_id, 0, 0) as b) <> 'hold' or (
        select w.why from private.why_planned(array[p_mentor_id], array[p_expires_on], p_as_of) as w
    ) = 'forewarned'
    then
        return null;
    elsif v_action = 'pause' and v_is_same and not exists (
        select from public.plans as n
        inner join public.plan_mentors as e on e.job_run_id = n.job_run_id
        where n.job_run_id = private.newest_plan(p_org_id) and (n.as_of, n.made_at) > (v_plan.as_of, v_plan.made_at)
            and e.mentor_id = p_mentor_id and e.action = 'hold' and e.version = p_version and e.expires_on = v_expires_on
    ) then
        return null;
    end if;
    return 'held';
end
$$;
comment on function private.brake_outcome is 'held or changed_since if a run may not pause the mentor; null if it may.';
revoke execute on function private.brake_outcome from public, anon, authenticated;
