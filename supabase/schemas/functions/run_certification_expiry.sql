-- The whole nightly job inside the database (O5): the fallback for a night on which no trigger outside the
-- database works. It may run at the same time as the Lambdas. Each mentor is checked under their row's lock,
-- so one of the two pauses the mentor and the other one skips them.
--
-- It keeps the mentors that it has paused (R1):
--
--   * Its first pass waits for no lock. Mentors who were locked then get a second attempt at the end, for
--     about three seconds in all.
--   * It stops after 20 s, or in time before a statement_timeout. The mentors who are left count as errors,
--     and the next call continues with them. So it holds no mentor's row for longer than that.
--   * An earlier time-out or cancellation ends it and undoes nothing. Only a server that stops undoes a call.
--
-- It makes the run's plan first, as the Lambdas do (make_plan, G1), and pauses only whom the plan releases (G2). Mentors whom
-- the plan holds wait for an approval; the dispatcher's run releases them then.
--
-- A lock of the organisation's row, which no job role can take (R5), allows one call at a time for each
-- organisation. A second call is refused.
-- Called by: pg_cron (supabase/fallback); an operator.
-- Locks: the organisation's row against changes, and the row of each mentor that it pauses, until the
-- transaction ends.
-- Errors: PT404 no such organisation, 22023 the day lies in the future, 42501 the role is neither the owner
-- nor service_role (R6). A call that fails leaves no row in the log, because it is undone;
-- cron.job_run_details shows it.

create or replace function public.run_certification_expiry(p_org_id uuid, p_as_of date default null)
returns table (
    job_run_id uuid,
    status text,
    processed_count integer,
    paused_count integer,
    skipped_count integer,
    error_count integer,
    mentor_ids_paused uuid [],
    mentor_ids_errored uuid [],
    unforeseen_count integer,
    held_count integer
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_run constant uuid := gen_random_uuid();
    v_by constant text := format('database, %s', session_user);
    v_today constant date := private.org_today(p_org_id);
    v_as_of constant date := coalesce(p_as_of, v_today);
    v_timeout_ms constant integer := (select s.setting::integer from pg_settings as s where s.name = 'statement_timeout');
    -- A quarter of the time is reserved for notifications and the log.
    v_deadline constant timestamptz := statement_timestamp()
        + interval '1 millisecond' * least(20000, coalesce(nullif(v_timeout_ms, 0), 30000) * 0.75);
    v_ids uuid [] := array[]::uuid [];
    v_page uuid [];
    v_results jsonb;
    v_paused uuid [];
    v_errored uuid [];
    v_skipped integer;
    v_error text;
    v_plan record;
begin
    if private.caller() <> 'service' then
        raise exception 'role % may not run the nightly job in the database', session_user using errcode = '42501',
            detail = 'the owner of the functions and service_role may; schedule it as postgres';
    elsif v_today is null then
        raise exception 'organisation % does not exist', p_org_id using errcode = 'PT404',
            detail = 'compare the organisation id with public.organisations';
    elsif v_as_of > v_today then
        raise exception 'p_as_of % is after today', v_as_of using errcode = '22023',
            detail = format('today is %s in the organisation''s time zone', v_today);
    end if;
    perform from public.organisations as o where o.id = p_org_id for no key update skip locked;
    if not found then
        perform public.begin_execution(
            'certification_expiry', v_run, p_org_id, 'schedule', v_by, 'refused', v_as_of, false,
            'another run in the database is in progress'
        );
        return query select v_run, 'refused', 0, 0, 0, 0, array[]::uuid [], array[]::uuid [], 0, 0;
        return;
    end if;

    perform public.begin_execution(
        'certification_expiry', v_run, p_org_id, 'schedule', v_by, 'running', v_as_of
    );
    loop
        select * into v_plan from public.make_plan(v_run) as m;
        exit when v_plan.is_whole;
    end loop;
    loop
        v_page := array(
            select l.mentor_id
            from public.list_planned_mentors(v_run, v_ids[cardinality(v_ids)], 1000) as l
        );
        v_ids := v_ids || v_page;
        exit when cardinality(v_page) < 1000;
    end loop;

    select coalesce(jsonb_object_agg(r.mentor_id, r.result), '{}') into v_results
    from private.pause_each(v_run, p_org_id, v_as_of, v_ids, v_deadline, false) as r;
    select v_results || coalesce(jsonb_object_agg(r.mentor_id, r.result), '{}') into v_results
    from private.pause_each(
        v_run, p_org_id, v_as_of,
        array(select r.key::uuid from jsonb_each_text(v_results) as r where r.value = '55P03' order by 1),
        v_deadline, true
    ) as r;

    v_error := private.summarise_errors(v_results);
    begin
        perform public.notify_coordinators(v_run);
    exception when query_canceled or others then  -- a failed notification must not undo the pauses
        v_error := concat_ws(
            '; ', format('the coordinators were not notified: %s %s', sqlstate, left(sqlerrm, 200)), v_error
        );
    end;
    begin
        if v_as_of >= v_today - 1 then
            perform public.write_warnings(p_org_id, v_as_of);
        end if;
    exception when query_canceled or others then  -- nor may failed warnings
        v_error := concat_ws('; ', format('the warnings were not written: %s %s', sqlstate, left(sqlerrm, 200)), v_error);
    end;
    v_paused := array(select r.key::uuid from jsonb_each_text(v_results) as r where r.value = 'changed' order by 1);
    v_errored := array(
        select r.key::uuid from jsonb_each_text(v_results) as r
        where r.value not in ('changed', 'replayed', 'not_active', 'not_expired', 'held', 'changed_since') order by 1
    );
    v_skipped := cardinality(v_ids) - cardinality(v_paused) - cardinality(v_errored);
    perform public.finish_execution(
        v_run, 'completed', cardinality(v_ids), cardinality(v_paused), v_skipped, cardinality(v_errored), v_error
    );
    return query
    select v_run, 'completed', cardinality(v_ids), cardinality(v_paused), v_skipped, cardinality(v_errored),
        v_paused, v_errored, v_plan.unforeseen_count, v_plan.held_count;
end
$$;
comment on function public.run_certification_expiry is
'Pauses every active mentor whose certification has expired, writes log row, messages and warnings, and returns the counts.';
revoke execute on function public.run_certification_expiry from public, anon, authenticated;
grant execute on function public.run_certification_expiry to service_role;
