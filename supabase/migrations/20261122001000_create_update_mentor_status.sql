-- The one transition of a mentor's status (E2-E4, S1, S2), a state machine under the row lock.
-- Locks: the mentor's row, for at most the call; a caller waits for it no longer than 3 s (55P03).
-- Called by: the expiry worker, once per mentor, in a transaction of its own.
--
--   active   -> paused | inactive          For the job (p_reason certification_expired) a mentor who
--   paused   -> active | inactive          is not active, or not expired, is an outcome and no error.
--   inactive -> active
--
-- Errors: PT404 no such mentor in the organisation, PT409 version or transition conflict,
-- 22023 arguments that make no sense together.

create function public.update_mentor_status(
    p_mentor_id uuid,
    p_org_id uuid,
    p_status text,
    p_reason text,
    p_job_run_id uuid default null,
    p_as_of date default null,
    p_expected_version integer default null,
    p_dry_run boolean default false
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
set search_path = ''
set lock_timeout = '3s'
as $$
#variable_conflict use_column
declare
    v_mentor public.peer_mentors;
    v_done public.peer_mentor_status_history;
    v_is_job constant boolean := p_reason = 'certification_expired';
    v_expires_on date;
    v_now timestamptz;
begin
    if p_status is null or p_status not in ('active', 'paused', 'inactive') then
        raise exception 'unknown status' using errcode = '22023',
            detail = 'p_status is active, paused or inactive';
    elsif coalesce(p_reason, '') = '' then
        raise exception 'a reason is required' using errcode = '22023', detail = 'p_reason is empty';
    elsif v_is_job and (p_status <> 'paused' or p_job_run_id is null or p_as_of is null) then
        raise exception 'certification_expired is reserved for the job' using errcode = '22023',
            detail = 'it goes with p_status paused, p_job_run_id and p_as_of';
    end if;

    select * into v_mentor from public.peer_mentors as m
    where m.id = p_mentor_id and m.org_id = p_org_id
    for update;
    if not found then
        raise exception 'mentor not found' using errcode = 'PT404',
            detail = 'no such mentor in this organisation';
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
        raise exception 'mentor was changed by someone else' using errcode = 'PT409',
            detail = format('expected version %s, actual %s', p_expected_version, v_mentor.version);
    end if;

    select max(c.expires_on) into v_expires_on
    from public.certifications as c where c.mentor_id = p_mentor_id;

    if v_is_job and (v_mentor.status <> 'active' or v_expires_on is null or v_expires_on > p_as_of) then
        return query select
            case when v_mentor.status <> 'active' then 'not_active' else 'not_expired' end,
            v_mentor.status, v_mentor.status, v_expires_on, v_mentor.version, null::timestamptz;
        return;
    end if;

    if (v_mentor.status, p_status) not in (
        ('active', 'paused'), ('active', 'inactive'), ('paused', 'active'), ('paused', 'inactive'),
        ('inactive', 'active')
    ) then
        raise exception 'transition not allowed' using errcode = 'PT409',
            detail = format('from %s to %s', v_mentor.status, p_status);
    end if;

    if p_dry_run then
        return query select 'would_change', v_mentor.status, p_status, v_expires_on,
            v_mentor.version, null::timestamptz;
        return;
    end if;

    -- Read after the lock was granted, so that changed_at follows the order of the changes.
    v_now := clock_timestamp();
    update public.peer_mentors as m
    set status = p_status, version = m.version + 1, status_changed_at = v_now
    where m.id = p_mentor_id;
    insert into public.peer_mentor_status_history (
        mentor_id, org_id, previous_status, new_status, reason,
        certification_expiry_date, job_run_id, changed_at
    ) values (
        p_mentor_id, p_org_id, v_mentor.status, p_status, p_reason, v_expires_on, p_job_run_id, v_now
    );
    return query select 'changed', v_mentor.status, p_status, v_expires_on,
        v_mentor.version + 1, v_now;
end
$$;
comment on function public.update_mentor_status is
'Changes one mentor''s status under the row lock and writes its history row in the same transaction.';
revoke execute on function public.update_mentor_status from public, anon, authenticated;
grant execute on function public.update_mentor_status to service_role, mentor_pause_job;
