-- Approves the held mentors of a plan (G4). The run that releases them follows: begin_execution with p_releases. It does not
-- pause a mentor who is not as the plan says; changed_count and mentor_ids_changed (at most 500) tell the approver of those
-- who have changed already.
--
-- Who may approve: an administrator of the organisation, or an operator with the credential of service_role or the owner;
-- never the person who asked for the run. p_approver names who it is, as in scheduler_execution_log.triggered_by. A person
-- who calls the function needs no p_approver; the HTTP entry gives the person whose token it has verified.
--
-- Only the newest plan can be approved, and only by its own hash. Nothing approves a plan by itself, and an approval holds
-- until the next plan. A repeated call, also by another approver, returns the first approval.
-- Called by: the command line, the HTTP entry, the console for administrators.
-- Errors: PT404 run_not_found; PT403 not_an_administrator, own_run; PT409 plan_changed (with what changed), nothing_held;
-- 22023 the note or the approver is missing or too long; 42501 not_your_organisation.

create or replace function public.approve_plan(
    p_job_run_id uuid, p_plan_hash text, p_note text, p_approver text default null
)
returns table (
    job_run_id uuid,
    plan_hash text,
    approved_by text,
    approved_at timestamptz,
    note text,
    held_count integer,
    changed_count integer,
    mentor_ids_changed uuid []
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
#variable_conflict use_column
declare
    v_caller constant text := private.caller();
    v_approver constant text := case
        when v_caller = 'person' then 'user ' || private.user_id() else coalesce(p_approver, 'database, ' || session_user)
    end;
    v_note constant text := btrim(coalesce(p_note, ''), E' \t\r\n');
    v_plan public.plans;
    v_newest public.plans;
    v_changed uuid [];
begin
    select * into v_plan from public.plans as p where p.job_run_id = p_job_run_id;
    perform private.assert_job_org(v_plan.org_id);
    if v_caller not in ('person', 'api', 'service')
        or v_caller <> 'service' and not exists (
            select from public.org_members as o
            where o.org_id = v_plan.org_id and o.role = 'admin' and 'user ' || o.user_id = v_approver
        )
    then
        raise exception 'only an administrator or an operator may approve a plan' using errcode = 'PT403',
            hint = 'not_an_administrator', detail = 'ask an administrator of the organisation';
    elsif v_plan.plan_hash is null or v_plan.dry_run then
        raise exception 'there is no such plan' using errcode = 'PT404', hint = 'run_not_found',
            detail = 'give the id of a certification expiry run that is not a dry run; plans are kept for 90 days';
    elsif length(v_note) < 3 or length(v_note) > 500 or v_note ~ '[[:cntrl:]]' then
        raise exception 'a note is required' using errcode = '22023',
            detail = 'p_note says in 3 to 500 printable characters why the plan is right; it is kept for ever';
    elsif length(v_approver) > 200 then
        raise exception 'the approver''s name is too long' using errcode = '22023', detail = 'at most 200 characters';
    elsif exists (
        select from public.scheduler_execution_log as l
        where l.job_run_id = p_job_run_id and l.trigger = 'manual' and l.triggered_by = v_approver
    ) then
        raise exception 'you asked for this run, so another person has to approve its plan' using errcode = 'PT403',
            hint = 'own_run', detail = 'ask another administrator or operator';
    end if;

    select * into v_newest from public.plans as p where p.job_run_id = private.newest_plan(v_plan.org_id);
    if lower(btrim(p_plan_hash)) is distinct from v_plan.plan_hash or v_newest.plan_hash <> v_plan.plan_hash then
        raise exception 'this is not the newest plan' using errcode = 'PT409', hint = 'plan_changed',
            detail = private.compare_plans(v_plan.org_id, lower(btrim(p_plan_hash)), v_newest.job_run_id);
    elsif v_plan.held_count = 0 then
        raise exception 'the plan holds nobody' using errcode = 'PT409', hint = 'nothing_held',
            detail = 'the run has paused everybody whom it could';
    end if;
    insert into public.plan_approvals (job_run_id, org_id, plan_hash, approved_by, note)
    values (p_job_run_id, v_plan.org_id, v_plan.plan_hash, v_approver, v_note)
    on conflict do nothing;

    v_changed := array(
        select e.mentor_id from private.held_entries(p_job_run_id) as e where e.has_changed order by e.mentor_id
    );
    return query
    select
        a.job_run_id, a.plan_hash, a.approved_by, a.approved_at, a.note, v_plan.held_count, cardinality(v_changed),
        v_changed[:500]
    from public.plan_approvals as a where a.job_run_id = p_job_run_id;
end
$$;
comment on function public.approve_plan is
'Approves the held mentors of the newest plan, for exactly its hash; returns the approval and who has changed since.';
revoke execute on function public.approve_plan from public, anon, authenticated;
grant execute on function public.approve_plan to authenticated, service_role, mentor_pause_api;
