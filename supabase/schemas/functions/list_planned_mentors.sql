-- One keyset page of the mentors whom a run is to pause, from its plan (G1): those whom the plan pauses, or, for a run that
-- releases an approved plan, those whom that plan holds (G4).
-- enable_bitmapscan is off because the rows have just been written and have no statistics yet: PostgreSQL would otherwise
-- read and sort all that is left for each page.
-- Called by: the dispatcher, once per page, with the last id of the page before; run_certification_expiry.
-- Errors: PT404 the log has no such run, PT409 the plan is not whole, 42501 not_your_organisation, 22023 p_limit is out of
-- bounds.

create or replace function public.list_planned_mentors(p_job_run_id uuid, p_after uuid, p_limit integer)
returns table (mentor_id uuid)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
set enable_bitmapscan = 'off'
as $$
#variable_conflict use_column
declare
    v_run public.scheduler_execution_log;
    v_plan uuid;
begin
    perform private.run_org(p_job_run_id);
    perform private.assert_limit(p_limit);
    select * into v_run from public.scheduler_execution_log as l
    where l.job_run_id = p_job_run_id and l.status in ('running', 'completed', 'failed');
    v_plan := coalesce(v_run.plan_of, v_run.job_run_id);
    if not exists (select from public.plans as p where p.job_run_id = v_plan and p.plan_hash is not null) then
        raise exception 'the run has no plan' using errcode = case when v_run.id is null then 'PT404' else 'PT409' end,
            detail = 'the dispatcher makes the plan before it lists mentors; plans are kept for 90 days';
    elsif v_run.approved_by is not null then
        return query
        select e.mentor_id from public.plan_mentors as e
        where e.job_run_id = v_plan and e.action = 'hold'
            and e.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        order by e.mentor_id
        limit p_limit;
    else
        return query
        select e.mentor_id from public.plan_mentors as e
        where e.job_run_id = v_plan and e.action = 'pause'
            and e.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        order by e.mentor_id
        limit p_limit;
    end if;
end
$$;
comment on function public.list_planned_mentors is
'The mentors whom a run is to pause by its plan, in id order, after p_after (null for the first page).';
revoke execute on function public.list_planned_mentors from public, anon, authenticated;
grant execute on function public.list_planned_mentors to service_role, mentor_pause_job;
