-- Opens the row of a run in the execution log (D4) and returns it with the run's day (E1). The dispatcher
-- calls it before it opens the run in the ledger. The log never expires, so its row decides whether a trigger
-- has had its run, and for which day.
--
-- p_status is running for a run that starts, and failed, duplicate or refused for one that does not. A run
-- that is resumed gets the row that it already has. A run whose row says failed and that never began becomes
-- running, because a refused redrive may be delivered again (D4); its row keeps the time of the first
-- attempt.
--
-- A real run may not begin for a day that is more than one day ahead. Once the run has begun, its day stays,
-- even if the clock or the time zone changes later (private.assert_transition_request).
--
-- A run may carry out an earlier run's plan: a redrive does, and so does the release of an approved plan (p_releases, G4).
-- A release begins only while its approval holds; it gets the plan's day, and its row names the plan, who approved it, when
-- and why. A withdrawal (p_withdraws, G5) begins only for a run that has ended. A redrive of either stays one.
--
-- The HTTP entry may only record that it refused a user or the machine (R5).
-- Called by: the dispatcher, once per run request; the HTTP entry, when it refuses a caller; run_certification_expiry.
-- Locks: the new row only.
-- Errors: PT403 reserved_for_the_job, 42501 not_your_organisation, 22023 an argument is out of bounds or the
-- day lies in the future, PT409 not_approved, plan_lapsed or not_withdrawable.

create or replace function public.begin_execution(
    p_job_name text,
    p_job_run_id uuid,
    p_org_id uuid,
    p_trigger text,
    p_triggered_by text,
    p_status text,
    p_as_of date default null,
    p_dry_run boolean default false,
    p_error text default null,
    p_redrive_of uuid default null,
    p_releases uuid default null,
    p_withdraws uuid default null
)
returns table (execution_id bigint, status text, started_at timestamptz, as_of date)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_source public.scheduler_execution_log;
    v_approval public.plan_approvals;
    v_plan_of uuid;
    v_as_of date := p_as_of;
    v_withdraws uuid;
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_date('p_as_of', p_as_of);
    perform private.assert_length('p_job_name', p_job_name, 100);
    perform private.assert_length('p_triggered_by', p_triggered_by, 300);
    if private.caller() = 'api' then
        if p_status is distinct from 'refused' or p_trigger is distinct from 'manual'
            or num_nonnulls(p_redrive_of, p_releases, p_withdraws) > 0
            or not private.acts_for(p_org_id)
            or coalesce(p_job_name, '') !~ '^[a-z][a-z0-9_]{0,62}$'
            or coalesce(p_triggered_by, '')
            !~ '^(machine|user [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$'
            or length(p_error) > 300
        then
            raise exception 'reserved for the job' using errcode = 'PT403', hint = 'reserved_for_the_job',
                detail = 'p_status is refused, p_trigger is manual, p_triggered_by is a user or the machine, and p_error is short';
        end if;
        -- At most one row a minute for one caller, and 60 for all: every user who can sign in can cause a refusal.
        if exists (
            select from public.scheduler_execution_log as l
            where l.started_at > clock_timestamp() - interval '1 minute'
                and l.org_id = p_org_id and l.status = 'refused' and l.trigger = 'manual'
            having count(*) >= 60 or bool_or(l.triggered_by = p_triggered_by)
        ) then
            return;
        end if;
    end if;
    select * into v_source from public.scheduler_execution_log as l
    where l.job_run_id = p_redrive_of and l.org_id = p_org_id and l.status in ('running', 'completed', 'failed');
    v_withdraws := case when p_job_name = 'withdrawal' then coalesce(p_withdraws, v_source.withdraws) end;
    v_plan_of := case
        when p_job_name = 'certification_expiry' then coalesce(p_releases, v_source.plan_of, v_source.job_run_id)
    end;
    if p_status = 'running' and not exists (
        select from public.scheduler_execution_log as l
        where l.job_run_id = p_job_run_id and (l.status in ('running', 'completed') or l.processed_count is not null)
    ) then
        if p_releases is not null or v_source.approved_by is not null then
            perform private.assert_approved(p_org_id, v_plan_of);
            select * into v_approval from public.plan_approvals as a where a.job_run_id = v_plan_of;
            v_as_of := (select p.as_of from public.plans as p where p.job_run_id = v_plan_of);
        elsif p_job_name = 'withdrawal' then
            perform private.assert_withdrawable(p_org_id, v_withdraws);
        end if;
    end if;
    -- One day of tolerance: at midnight the dispatcher's clock may be ahead of the database's.
    if p_status = 'running' and p_dry_run is not true and v_as_of > private.org_today(p_org_id) + 1
        and not exists (
            select from public.scheduler_execution_log as l where l.job_run_id = p_job_run_id and l.status = 'running'
        )
    then
        raise exception 'p_as_of % is after today', v_as_of using errcode = '22023',
            detail = 'only a dry run may look ahead';
    end if;
    return query
    insert into public.scheduler_execution_log as l (
        job_name, job_run_id, org_id, trigger, triggered_by, as_of, dry_run, status, error, finished_at,
        redrive_of, plan_of, plan_hash, approved_by, approved_at, approval_note, withdraws
    ) values (
        p_job_name, p_job_run_id, p_org_id, p_trigger, p_triggered_by, v_as_of, p_dry_run, p_status,
        left(p_error, 4000), case when p_status <> 'running' then clock_timestamp() end, p_redrive_of, v_plan_of,
        v_approval.plan_hash, v_approval.approved_by, v_approval.approved_at, v_approval.note, v_withdraws
    )
    on conflict (job_run_id) where status in ('running', 'completed', 'failed') do update
        set
            status = 'running', finished_at = null, error = null, as_of = coalesce(excluded.as_of, l.as_of),
            plan_of = excluded.plan_of, plan_hash = excluded.plan_hash, approved_by = excluded.approved_by,
            approved_at = excluded.approved_at, approval_note = excluded.approval_note, withdraws = excluded.withdraws
        where excluded.status = 'running' and l.status = 'failed' and l.processed_count is null
    returning l.id, l.status, l.started_at, l.as_of;
    if not found then
        return query
        select l.id, l.status, l.started_at, l.as_of
        from public.scheduler_execution_log as l
        where l.job_run_id = p_job_run_id and l.status in ('running', 'completed', 'failed');
    end if;
end
$$;
comment on function public.begin_execution is
'Writes the log row of a run, or returns the row that the run already has, with its day.';
revoke execute on function public.begin_execution from public, anon, authenticated;
grant execute on function public.begin_execution to service_role, mentor_pause_job, mentor_pause_api;
