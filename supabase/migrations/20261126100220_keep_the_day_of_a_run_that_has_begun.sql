-- assert_transition_request as it was (20261126000085), and it takes the day of a run that has begun, also where that day
-- is after today (E1). The database's clock may step back at midnight, and an administrator may change the time zone,
-- between the dispatch of a run and its work. Neither is an error of the run's mentors. begin_execution has checked the day.
-- The log is read only where the day is after today.
-- Locks: none. Called by: update_mentor_status. Errors: see 20261122010600.

create or replace function private.assert_transition_request(
    p_org_id uuid, p_status text, p_reason text, p_job_run_id uuid, p_as_of date, p_dry_run boolean
)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_caller constant text := private.caller();
    v_is_expiry constant boolean := p_reason = 'certification_expired';
    v_names_run constant boolean := p_job_run_id is not null or p_as_of is not null;
begin
    if p_status is null or p_status not in ('active', 'paused', 'inactive') then
        raise exception 'unknown status' using errcode = '22023',
            detail = 'p_status is active, paused or inactive';
    elsif p_reason is null or p_reason !~ '^[a-z][a-z0-9_]{2,62}$' then
        -- A code and no free text: reasons are kept for ever and must hold nothing personal.
        raise exception 'a reason is required' using errcode = '22023',
            detail = 'p_reason is a code: lower-case letters, digits and underscores, 3 to 63 of them';
    elsif v_caller = 'person' and v_is_expiry or v_names_run and not v_is_expiry then
        raise exception 'reserved for the job' using errcode = 'PT403', hint = 'reserved_for_the_job',
            detail = 'certification_expired, p_job_run_id and p_as_of are the job''s';
    elsif v_caller = 'person' and p_status = 'inactive' then
        raise exception 'a person pauses and resumes, and does no more' using errcode = 'PT403',
            hint = 'not_for_people', detail = 'p_status is active or paused';
    elsif v_caller in ('job', 'portal') and not v_is_expiry then
        raise exception 'the job pauses expired mentors, and does no more' using errcode = 'PT403',
            hint = 'reserved_for_the_job', detail = 'p_reason is certification_expired';
    elsif v_is_expiry and (p_status <> 'paused' or p_job_run_id is null or p_as_of is null) then
        raise exception 'certification_expired is reserved for the job' using errcode = '22023',
            detail = 'it goes with p_status paused, p_job_run_id and p_as_of';
    elsif v_is_expiry and p_dry_run is not true and p_as_of > private.org_today(p_org_id)
        and not exists (
            select from public.scheduler_execution_log as l
            where l.job_run_id = p_job_run_id and l.status = 'running' and l.org_id = p_org_id
                and l.as_of = p_as_of and not l.dry_run
        )
    then
        raise exception 'only a dry run may look ahead' using errcode = '22023',
            detail = 'p_as_of is after today in the organisation''s time zone, and no such run has begun';
    end if;
    if v_is_expiry then
        perform private.assert_day('p_as_of', p_as_of);
    end if;
end
$$;
