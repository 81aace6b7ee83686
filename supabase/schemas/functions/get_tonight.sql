-- How the last night went, and what waits for the caller (C2): one JSON object.
--
--   last_check   the newest run that has checked all mentors (private.complete_runs)
--   state        of the newest night that is due (private.due_day): fine; with_errors (its run had errors, and mentors who are
--                not held are still active); running, failed, missing (there is no such run); never (there was never one)
--   running      a check of all mentors that is in progress
--   counts       of the caller's mentors; undelivered (messages) and waiting_for_portal for administrators alone
--
-- Called by: the console, for members.
-- Errors: PT403 not_a_member.

create or replace function public.get_tonight(p_org_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_role constant text := private.assert_member(p_org_id);
    v_due constant date := private.due_day(p_org_id);
    v_last record;
    v_running public.scheduler_execution_log;
    v_errors integer;
    v_failed boolean;
    v_counts jsonb;
begin
    select * into v_last from private.complete_runs(p_org_id, 'certification_expiry', clock_timestamp()) as l order by l.finished_at desc, l.id desc limit 1;
    select min(l.error_count) into v_errors from private.complete_runs(p_org_id, 'certification_expiry', clock_timestamp()) as l where l.as_of >= v_due;
    select * into v_running from public.scheduler_execution_log as l
    where l.org_id = p_org_id and l.job_name = 'certification_expiry' and l.status = 'running' and not l.dry_run
    order by l.id desc limit 1;
    select l.status = 'failed' into v_failed from public.scheduler_execution_log as l
    where l.org_id = p_org_id and l.job_name = 'certification_expiry' and l.status in ('completed', 'failed')
        and not l.dry_run and l.redrive_of is null and l.plan_of is null and l.as_of >= v_due
    order by l.id desc limit 1;
    if v_errors > 0 and (select count(*) from private.expired_mentors(p_org_id, v_due, null, null)) <= (
        select count(*) from private.held_mentors(p_org_id)
    ) then
        v_errors := 0;
    end if;

    select jsonb_build_object(
        'mentors', count(*),
        'paused_tonight', count(*) filter (where m.mentor_id in (select private.paused_tonight(p_org_id))),
        'expiring', count(*) filter (where m.next_step = 'renew_soon'),
        'will_be_paused', count(*) filter (where m.next_step = 'will_be_paused'),
        'held', count(*) filter (where m.next_step = 'held'),
        'set_active', count(*) filter (where m.next_step = 'set_active')
    ) into v_counts
    from private.shown_mentors(p_org_id) as m;

    return jsonb_build_object(
        'last_check', case when v_last.id is not null then jsonb_build_object(
            'job_run_id', v_last.job_run_id, 'as_of', v_last.as_of, 'started_at', v_last.started_at,
            'finished_at', v_last.finished_at, 'status', v_last.status, 'error_count', v_last.error_count
        ) end,
        'state', case
            when v_errors = 0 then 'fine'
            when v_errors > 0 then 'with_errors'
            when v_running.id is not null then 'running'
            when v_failed then 'failed'
            when v_last.id is null then 'never'
            else 'missing'
        end,
        'running', case when v_running.id is not null then jsonb_build_object(
            'job_run_id', v_running.job_run_id, 'started_at', v_running.started_at
        ) end,
        'counts', v_counts || jsonb_build_object(
            'unreachable', (select count(*) from private.my_unreachable_mentors(p_org_id)),
            'undelivered', case when v_role = 'admin' then (
                select count(*) from public.messages as m
                where m.org_id = p_org_id and m.state in ('bounced', 'complained', 'suppressed', 'no_address', 'unknown')
            ) end,
            'waiting_for_portal', case when v_role = 'admin' then (
                select count(*) from public.peer_mentors as m
                left join public.portal_sync_state as s on s.mentor_id = m.id
                where m.org_id = p_org_id and s.synced_version is distinct from m.version
            ) end
        )
    );
end
$$;
comment on function public.get_tonight is
'How the last night went, and what waits for the caller, as one JSON object.';
revoke execute on function public.get_tonight from public, anon, authenticated, service_role;
grant execute on function public.get_tonight to authenticated;
