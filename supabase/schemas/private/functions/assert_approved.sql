-- Makes sure that a plan is approved and that the approval holds (G4): until a later run makes another plan. A later plan with
-- the same hash decides the same, so the approval holds for it too.
-- Called by: begin_execution, for a run that releases held mentors.
-- Errors: PT409 not_approved, plan_lapsed.

create or replace function private.assert_approved(p_org_id uuid, p_job_run_id uuid)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_approved text;
    v_newest public.plans;
begin
    select a.plan_hash into v_approved from public.plan_approvals as a
    where a.job_run_id = p_job_run_id and a.org_id = p_org_id;
    select * into v_newest from public.plans as p where p.job_run_id = private.newest_plan(p_org_id);
    if v_approved is null then
        raise exception 'the plan is not approved' using errcode = 'PT409', hint = 'not_approved',
            detail = 'an administrator or an operator approves it first';
    elsif v_newest.plan_hash is distinct from v_approved then
        raise exception 'the approval has lapsed' using errcode = 'PT409', hint = 'plan_lapsed',
            detail = format('run %s has made a newer plan; approve that one', v_newest.job_run_id);
    end if;
end
$$;
comment on function private.assert_approved is 'Fails if a plan is not approved, or if a newer plan exists.';
revoke execute on function private.assert_approved from public, anon, authenticated;
