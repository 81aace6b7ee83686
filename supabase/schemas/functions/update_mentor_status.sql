-- The only function that changes a mentor's status (E2-E4, S1-S3): a state machine under the row lock.
--
--   active -> paused             everybody. If the mentor is not active or not expired, the job
--                                (p_reason certification_expired) gets an outcome and no error.
--   paused -> active             people, services and a withdrawal, with a certification that expires after today
--   inactive -> active           services, with a certification that expires after today
--   active, paused -> inactive   services
--
-- The brake may keep a run from pausing a mentor (private.brake_outcome: held, changed_since). A withdrawal (p_reason
-- pause_withdrawn) resumes only mentors who have not changed since (private.withdrawal_outcome: changed_since,
-- still_expired). These are outcomes and no errors.
--
-- Nobody becomes active without a valid certification (E1): otherwise a paused mentor whose certification was
-- deleted could resume, and no night would pause them again. An insert may still enter an active mentor,
-- because an adopter enters the certification after the mentor.
--
-- The first pass over a page calls the function with p_wait false, so that locked mentors do not delay the
-- others; the worker tries the locked mentors again later.
-- enable_seqscan is off because a session that first calls the function while the history is empty would
-- otherwise keep a plan that reads the whole table.
-- Called by: the expiry worker, once per mentor, in a transaction of its own; private.pause_each, for the
-- fallback inside the database; the app's users and back end.
-- Locks: the mentor's row, until the transaction ends. The call waits for the row for 3 s (1 ms if p_wait is
-- false), then raises 55P03. A caller cannot lock a row that they may not change.
-- Errors: see private.assert_transition_request; PT409 with the hint certification_missing or
-- certification_expired.

create or replace function public.update_mentor_status(
    p_mentor_id uuid,
    p_org_id uuid,
    p_status text,
    p_reason text,
    p_job_run_id uuid default null,
    p_as_of date default null,
    p_expected_version integer default null,
    p_dry_run boolean default false,
    p_wait boolean default true
)
returns table (
    outcome text,
    previous_status text,
    new_status text,
    certification_expiry_date date,
    version integer,
    changed_at timestamptz
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
set enable_seqscan = 'off'
as $$
#variable_conflict use_column
declare
    v_person constant uuid := private.user_id();
    v_is_expiry constant boolean := p_reason = 'certification_expired';
    v_is_withdrawal constant boolean := p_reason = 'pause_withdrawn';
    v_states constant text [] := private.states_before(p_status);
    v_mentor public.peer_mentors;
    v_done public.peer_mentor_status_history;
    v_expires_on date;
    v_readable date;
    v_refusal text;
    v_is_planned boolean := false;
    v_approved public.scheduler_execution_log;
    v_now timestamptz;
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_transition_request(
        p_org_id, p_status, p_reason, p_job_run_id, p_as_of, p_dry_run
    );
    if p_wait is false then
        -- PostgreSQL restores the caller's lock_timeout when the function ends, because the function itself sets one.
        perform set_config('lock_timeout', '1ms', true);
    end if;

    if private.may_change(p_mentor_id) then
        select * into v_mentor from public.peer_mentors as m
        where m.id = p_mentor_id and m.org_id = p_org_id
        for update;
    end if;
    -- Checked again: while the call waited for the row, the mentor may have left the caller's chapter.
    if v_mentor.id is null or not private.may_change(p_mentor_id) then
        perform private.refuse_mentor();
    end if;

    if p_job_run_id is not null then
        select * into v_done from public.peer_mentor_status_history as h
        where h.job_run_id = p_job_run_id and h.mentor_id = p_mentor_id;
        if found then
            return query select 'replayed', v_done.previous_status, v_done.new_status,
                v_done.certification_expiry_date, v_mentor.version, v_done.changed_at;
            return;
        end if;
    end if;

    if p_expected_version <> v_mentor.version then
        raise exception 'the mentor has changed since you read it' using errcode = 'PT409',
            hint = 'version_conflict',
            detail = format('expected version %s, actual %s', p_expected_version, v_mentor.version);
    end if;

    select max(c.expires_on) into v_expires_on
    from public.certifications as c where c.mentor_id = p_mentor_id;
    v_readable := private.clamp_day(v_expires_on);

    if v_is_expiry then
        if v_mentor.status <> 'active' then
            v_refusal := 'not_active';
        elsif v_expires_on is null or v_expires_on > p_as_of then
            v_refusal := 'not_expired';
        else
            -- In an ordinary night the brake costs only this lookup by key (G2). For such a mentor it has nothing to
            -- decide: they were forewarned of this date, or the mode is not hold.
            v_is_planned := exists (
                select from public.plan_mentors as e
                where e.job_run_id = p_job_run_id and e.mentor_id = p_mentor_id and e.action = 'pause'
                    and e.expires_on = v_readable
                    and (e.why = 'forewarned' or not exists (
                        select from public.organisation_settings as s
                        where s.org_id = p_org_id and s.brake_mode = 'hold'
                    ))
            );
        end if;
        if v_refusal is null and not v_is_planned then
            v_refusal := private.brake_outcome(
                p_org_id, p_job_run_id, p_mentor_id, v_mentor.version, v_expires_on, p_as_of, p_dry_run
            );
            select * into v_approved from public.scheduler_execution_log as l
            where l.job_run_id = p_job_run_id and l.approved_by is not null
                and l.status in ('running', 'completed', 'failed');
        end if;
    elsif v_is_withdrawal then
        v_refusal := private.withdrawal_outcome(p_org_id, p_job_run_id, p_mentor_id, v_mentor.status, v_expires_on, p_dry_run);
    end if;
    if v_refusal is not null then
        return query select
            v_refusal, v_mentor.status, v_mentor.status, v_readable, v_mentor.version, null::timestamptz;
        return;
    elsif v_mentor.status <> all(v_states) then
        raise exception 'transition not allowed' using errcode = 'PT409',
            hint = 'transition_not_allowed',
            detail = format('expected %s, actual %s', array_to_string(v_states, ' or '), v_mentor.status);
    elsif p_status = 'active' and v_expires_on is null then
        raise exception 'the mentor has no certification' using errcode = 'PT409',
            hint = 'certification_missing', detail = 'enter one that is valid after today before the mentor is active';
    elsif p_status = 'active' and v_expires_on <= private.org_today(p_org_id) then
        raise exception 'the certification has expired' using errcode = 'PT409',
            hint = 'certification_expired', detail = 'it must be renewed before the mentor is active';
    end if;

    perform private.assert_not_too_often(p_mentor_id, v_person);
    if p_dry_run then
        return query select 'would_change', v_mentor.status, p_status, v_readable,
            v_mentor.version, null::timestamptz;
        return;
    end if;

    -- Read under the lock, so that changed_at follows the order of the changes.
    v_now := clock_timestamp();
    update public.peer_mentors as m
    set status = p_status, version = m.version + 1, status_changed_at = v_now
    where m.id = p_mentor_id;
    insert into public.peer_mentor_status_history (
        mentor_id, org_id, previous_status, new_status, reason,
        certification_expiry_date, job_run_id, changed_at, changed_by, changed_by_role,
        plan_hash, approved_by, approved_at, approval_note
    ) values (
        p_mentor_id, p_org_id, v_mentor.status, p_status, p_reason, v_readable, p_job_run_id, v_now,
        v_person,
        case
            when v_person = v_mentor.user_id then 'mentor'
            when v_person is not null then 'coordinator'
            when v_is_expiry or v_is_withdrawal then 'job'
            else 'service'
        end,
        v_approved.plan_hash, v_approved.approved_by, v_approved.approved_at, v_approved.approval_note
    );
    return query select 'changed', v_mentor.status, p_status, v_readable,
        v_mentor.version + 1, v_now;
end
$$;
comment on function public.update_mentor_status is
'Changes one mentor''s status under the row lock, and writes the history row in the same transaction.';
revoke execute on function public.update_mentor_status from public, anon, authenticated, service_role;
grant execute on function public.update_mentor_status to authenticated, service_role, mentor_pause_job;
