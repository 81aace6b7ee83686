-- begin_execution as it was (20261124010400), and a run whose row says failed and that never began becomes running:
-- a redrive that was refused may be delivered again (K7.4). Its row keeps when it was first tried.
-- Locks: none beyond the row. Called by: the dispatcher, once per attempt; the HTTP entry, for who may not.
-- p_status is running for a run that starts; failed, duplicate or refused for one that never did.
-- Errors: PT403 reserved_for_the_job.

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
    p_redrive_of uuid default null
)
returns table (execution_id bigint, status text, started_at timestamptz)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    if private.caller() = 'api' then
        if p_status is distinct from 'refused' or p_trigger is distinct from 'manual' or p_org_id is null
            or p_redrive_of is not null or length(concat(p_job_name, p_triggered_by, p_error)) > 300
        then
            raise exception 'reserved for the job' using errcode = 'PT403', hint = 'reserved_for_the_job',
                detail = 'p_status is refused, p_trigger is manual, of an organisation, in few words';
        end if;
        if exists (
            select from public.scheduler_execution_log as l
            where l.started_at > clock_timestamp() - interval '1 minute'
                and l.org_id = p_org_id and l.status = 'refused' and l.triggered_by = p_triggered_by
        ) then
            return;
        end if;
    end if;
    return query
    insert into public.scheduler_execution_log as l (
        job_name, job_run_id, org_id, trigger, triggered_by, as_of, dry_run, status, error, finished_at,
        redrive_of
    ) values (
        p_job_name, p_job_run_id, p_org_id, p_trigger, p_triggered_by, p_as_of, p_dry_run, p_status,
        p_error, case when p_status <> 'running' then clock_timestamp() end, p_redrive_of
    )
    on conflict (job_run_id) where status in ('running', 'completed', 'failed') do update
        set status = 'running', finished_at = null, error = null, as_of = coalesce(excluded.as_of, l.as_of)
        where excluded.status = 'running' and l.status = 'failed' and l.processed_count is null
    returning l.id, l.status, l.started_at;
    if not found then
        return query
        select l.id, l.status, l.started_at
        from public.scheduler_execution_log as l
        where l.job_run_id = p_job_run_id and l.status in ('running', 'completed', 'failed');
    end if;
end
$$;
comment on function public.begin_execution is
'Writes the log row of a run, or returns the one that the run already has.';
revoke execute on function public.begin_execution from public, anon, authenticated;
grant execute on function public.begin_execution to service_role, mentor_pause_job, mentor_pause_api;
