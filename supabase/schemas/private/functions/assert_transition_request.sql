-- Checks what a caller may ask of update_mentor_status, whichever mentor it is about (S3). People pause and
-- resume; only services end and restart a mentorship. People never use certification_expired, pause_withdrawn,
-- run ids and as-of dates; jobs and services may. The job's credential cannot pause a mentor whose certification is valid, because the job's day
-- may not lie in the future.
--
-- A run that has begun keeps its day, even if that day is after today (E1): the database's clock may step
-- back at midnight, or an administrator may change the time zone, between the dispatch of a run and its work.
-- Those are not errors of the run's mentors, and begin_execution has checked the day. The log is read only if
-- the day is after today.
-- Called by: update_mentor_status, before it locks the mentor's row.
--
-- Errors, here and in update_mentor_status; the hint is the code that programs read:
--   22023  arguments that make no sense
--   PT403  reserved_for_the_job, not_for_people, not_yours (also if there is no such mentor, so that the
--          answer does not reveal whether a mentor exists)
--   PT404  mentor_not_found, for jobs and services
--   PT409  version_conflict, transition_not_allowed, certification_expired, certification_missing

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
    v_is_withdrawal constant boolean := p_reason = 'pause_withdrawn';
    v_names_run constant boolean := p_job_run_id is not null or p_as_of is not null;
begin
    if p_status is null or p_status not in ('active', 'paused', 'inactive') then
        raise exception 'unknown status' using errcode = '22023',
            detail = 'p_status must be active, paused or inactive';
    elsif p_reason is null or p_reason !~ '^[a-z][a-z0-9_]{2,62}$' then
        -- A code and not free text: the history keeps reasons for ever, so they must not contain personal data.
        raise exception 'a reason is required' using errcode = '22023',
            detail = 'p_reason must be a code of 3 to 63 lower-case letters, digits and underscores';
    elsif v_caller = 'person' and (v_is_expiry or v_is_withdrawal) or v_names_run and not (v_is_expiry or v_is_withdrawal) then
        raise exception 'reserved for the job' using errcode = 'PT403', hint = 'reserved_for_the_job',
            detail = 'only the job uses certification_expired, pause_withdrawn, p_job_run_id and p_as_of';
    elsif v_caller = 'person' and p_status = 'inactive' then
        raise exception 'people may only pause and resume' using errcode = 'PT403',
            hint = 'not_for_people', detail = 'p_status must be active or paused';
    elsif v_caller in ('job', 'portal') and not (v_is_expiry or v_is_withdrawal) then
        raise exception 'the job may only pause expired mentors, and withdraw such pauses' using errcode = 'PT403',
            hint = 'reserved_for_the_job', detail = 'p_reason must be certification_expired or pause_withdrawn';
    elsif v_is_expiry and (p_status <> 'paused' or p_job_run_id is null or p_as_of is null) then
        raise exception 'certification_expired is reserved for the job' using errcode = '22023',
            detail = 'it needs p_status paused, p_job_run_id and p_as_of';
    elsif v_is_withdrawal and (p_status <> 'active' or p_job_run_id is null) then
        raise exception 'pause_withdrawn is reserved for the job' using errcode = '22023',
            detail = 'it needs p_status active and p_job_run_id';
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
    if v_is_expiry or v_is_withdrawal then
        perform private.assert_date('p_as_of', p_as_of);
    end if;
end
$$;
comment on function private.assert_transition_request is
'Fails if a request makes no sense, or if the caller may not make it for any mentor.';
revoke execute on function private.assert_transition_request from public, anon, authenticated;
