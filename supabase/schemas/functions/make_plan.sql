-- Writes down the plan of a run (G1): the next p_limit mentors of private.plan_page, and after the last of them the decision
-- of the brake (G2) and the plan's hash. The caller repeats the call until is_whole is true; then it changes nothing. So a
-- plan of any size is made within the time of a call, and a call whose answer was lost can be repeated.
--
-- A plan that is whole does not change any more. The plans of dry runs are deleted after an hour, all others after 90 days,
-- as the ledger's items are.
-- Called by: the dispatcher, before a run's first page; run_certification_expiry.
-- Locks: the plan.
-- Errors: PT404 the log has no such run, 42501 not_your_organisation, 22023 p_limit is out of bounds.

create or replace function public.make_plan(p_job_run_id uuid, p_limit integer default 20000)
returns table (is_whole boolean, planned_count integer, unforeseen_count integer, held_count integer, plan_hash text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
#variable_conflict use_column
declare
    v_run public.scheduler_execution_log;
    v_plan public.plans;
    v_added integer;
    v_last uuid;
begin
    perform private.run_org(p_job_run_id);
    perform private.assert_between('p_limit', coalesce(p_limit, 0), 1, 100000);
    select * into v_run from public.scheduler_execution_log as l
    where l.job_run_id = p_job_run_id and l.job_name = 'certification_expiry' and l.plan_of is null
        and l.status in ('running', 'completed', 'failed');
    if not found then
        raise exception 'run not found' using errcode = 'PT404',
            detail = 'the log has no certification expiry run of this id that makes its own plan';
    end if;
    insert into public.plans (job_run_id, org_id, as_of, dry_run, rule)
    values (p_job_run_id, v_run.org_id, v_run.as_of, v_run.dry_run, private.plan_rule())
    on conflict do nothing;
    if found then
        delete from public.plans as p
        where p.org_id = v_run.org_id
            and p.made_at < clock_timestamp() - case when p.dry_run then interval '1 hour' else interval '90 days' end;
    end if;
    select * into v_plan from public.plans as p where p.job_run_id = p_job_run_id for update;

    if v_plan.plan_hash is null then
        insert into public.plan_mentors (job_run_id, mentor_id, version, expires_on, action, why)
        select p_job_run_id, p.mentor_id, p.version, p.expires_on, 'pause', p.why
        from private.plan_page(v_plan.org_id, v_plan.as_of, v_plan.cursor, p_limit) as p;
        get diagnostics v_added = row_count;
        if v_added < p_limit then
            perform private.close_plan(p_job_run_id);
        else
            select e.mentor_id into v_last from public.plan_mentors as e
            where e.job_run_id = p_job_run_id order by e.mentor_id desc limit 1;
            update public.plans as p set cursor = v_last where p.job_run_id = p_job_run_id;
        end if;
    end if;
    return query
    select p.plan_hash is not null, p.planned_count, p.unforeseen_count, p.held_count, p.plan_hash
    from public.plans as p where p.job_run_id = p_job_run_id;
end
$$;
comment on function public.make_plan is
'Writes down the next part of a run''s plan; when is_whole is true, the plan has its counts and its hash.';
revoke execute on function public.make_plan from public, anon, authenticated;
grant execute on function public.make_plan to service_role, mentor_pause_job;
