-- Warns the mentors whose certification expires soon, and their coordinators (W1): one statement that finds them
-- (private.due_warnings), notes each warning and writes the messages. A mentor is at the stage with the fewest days that
-- are not fewer than the days left; 50 days before the date that is stage 90. A mentor who was warned of the same date at
-- this stage or a later one is left out. So repeated calls add nothing, and after missed nights a mentor gets one warning
-- and not several. A certification that was renewed has another date, and only an active mentor is warned.
--
-- p_as_of is the day that decides. Services may give any day. A call writes at most p_limit warnings; if it returns
-- p_limit, there may be more.
-- Called by: the completion of a certification expiry run; run_certification_expiry.
-- Errors: 42501 not_your_organisation; 22023 the day is missing or out of bounds, or a job's day is after tomorrow.

create or replace function public.write_warnings(p_org_id uuid, p_as_of date, p_limit integer default 100000)
returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_written bigint;
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_date('p_as_of', p_as_of);
    perform private.assert_between('p_limit', coalesce(p_limit, 0), 1, 1000000);
    if p_as_of is null or (private.caller() = 'job' and p_as_of > private.org_today(p_org_id) + 1) then
        raise exception 'p_as_of is missing, or after tomorrow' using errcode = '22023',
            detail = 'a job warns for the present day of the organisation';
    end if;
    with due as (
        select d.mentor_id, d.user_id, d.expires_on, d.stage from private.due_warnings(p_org_id, p_as_of, p_limit) as d
    ),

    written as (
        insert into public.warnings (mentor_id, expires_on, stage, warned_on)
        select d.mentor_id, d.expires_on, d.stage, p_as_of
        from due as d
        order by d.mentor_id
        on conflict do nothing
        returning mentor_id, expires_on
    ),

    recipients as (
        select 'coordinator' as audience, c.coordinator_id as person_id, c.mentor_id
        from private.coordinators_of(array(select w.mentor_id from written as w)) as c
        union all
        select 'mentor', coalesce(d.user_id, d.mentor_id), d.mentor_id
        from written as w inner join due as d on d.mentor_id = w.mentor_id
    ),

    sent as (
        insert into public.messages (org_id, audience, person_id, kind, mentor_ids, expires_on)
        select
            p_org_id, t.audience, t.person_id, 'warning', array_agg(t.mentor_id order by t.mentor_id), min(w.expires_on)
        from recipients as t inner join written as w on w.mentor_id = t.mentor_id
        group by t.audience, t.person_id
        order by t.audience, t.person_id
    )

    select count(*) into v_written from written;
    return v_written;
end
$$;
comment on function public.write_warnings is
'Warns the mentors whose certification expires soon, and their coordinators; returns how many warnings it wrote.';
revoke execute on function public.write_warnings from public, anon, authenticated;
grant execute on function public.write_warnings to service_role, mentor_pause_job;
