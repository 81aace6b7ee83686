-- The whole nightly job inside the database (O5): the fallback for when nothing outside it fires. pg_cron calls
-- it (supabase/fallback); it may run together with the Lambda, since each mentor is decided under their row's
-- lock: one of the two pauses them, and the other one skips.
-- Locks: the row of each mentor it pauses, until it ends, in one transaction: some seconds for 10,000 mentors.
-- Called by: pg_cron, or an operator. A second call at the same time for the same organisation is refused.
-- Errors: PT404 no such organisation, 22023 a day that has not come. They leave no row in the log, since nothing
-- of a failed call stays; cron.job_run_details has them.

create function public.run_certification_expiry(p_org_id uuid, p_as_of date default null)
returns table (
    job_run_id uuid,
    status text,
    processed_count integer,
    paused_count integer,
    skipped_count integer,
    error_count integer,
    mentor_ids_paused uuid [],
    mentor_ids_errored uuid []
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
    v_run constant pg_catalog.uuid := gen_random_uuid();
    v_by constant pg_catalog.text := format('database, %s', session_user);
    v_today constant pg_catalog.date := private.org_today(p_org_id);
    v_as_of constant pg_catalog.date := coalesce(p_as_of, private.org_today(p_org_id));
    v_paused pg_catalog.uuid [] := array[]::pg_catalog.uuid [];
    v_errored pg_catalog.uuid [] := array[]::pg_catalog.uuid [];
    v_processed integer := 0;
    v_mentor_id pg_catalog.uuid;
    v_outcome pg_catalog.text;
    v_error pg_catalog.text;
begin
    if v_today is null then
        raise exception 'organisation % does not exist', p_org_id using errcode = 'PT404',
            detail = 'compare the organisation id with public.organisations';
    elsif v_as_of > v_today then
        raise exception 'p_as_of % is after today', v_as_of using errcode = '22023',
            detail = format('today is %s in the organisation''s time zone', v_today);
    end if;
    if not pg_try_advisory_xact_lock(hashtextextended('run_certification_expiry ' || p_org_id::pg_catalog.text, 0)) then
        perform public.begin_execution(
            'certification_expiry', v_run, p_org_id, 'schedule', v_by, 'refused', v_as_of, false,
            'another run in the database is in progress'
        );
        return query select v_run, 'refused', 0, 0, 0, 0, v_paused, v_errored;
        return;
    end if;

    perform public.begin_execution(
        'certification_expiry', v_run, p_org_id, 'schedule', v_by, 'running', v_as_of
    );
    for v_mentor_id in
        select l.mentor_id from public.list_expired_mentors(p_org_id, v_as_of, null, 2147483647) as l
    loop
        v_processed := v_processed + 1;
        begin
            select u.outcome into v_outcome
            from public.update_mentor_status(
                v_mentor_id, p_org_id, 'paused', 'certification_expired', v_run, v_as_of
            ) as u;
            if v_outcome = 'changed' then
                v_paused := v_paused || v_mentor_id;
            end if;
        exception when others then  -- no mentor's failure may end the loop (E5)
            v_errored := v_errored || v_mentor_id;
            raise warning 'mentor % not paused: % %', v_mentor_id, sqlstate, sqlerrm;
        end;
    end loop;

    begin
        perform public.notify_coordinators(v_run);
    exception when others then  -- who is paused stays paused, whoever could not be told
        v_error := format('the coordinators were not notified: %s %s', sqlstate, sqlerrm);
    end;
    perform public.finish_execution(
        v_run, 'completed', v_processed, cardinality(v_paused),
        v_processed - cardinality(v_paused) - cardinality(v_errored), cardinality(v_errored), v_error
    );
    return query
    select v_run, 'completed', v_processed, cardinality(v_paused),
        v_processed - cardinality(v_paused) - cardinality(v_errored), cardinality(v_errored),
        v_paused, v_errored;
end
$$;
comment on function public.run_certification_expiry is
'Pauses every active mentor whose certification has expired, with log row and notifications, and tells what it did.';
revoke execute on function public.run_certification_expiry from public, anon, authenticated;
grant execute on function public.run_certification_expiry to service_role;
