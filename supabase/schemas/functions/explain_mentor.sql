-- Why a mentor is, or is not, paused (G6): one JSON object.
--
--   mentor_id, status, version, status_changed_at
--   answer         one word for the whole: valid, no_certification, held, will_be_paused (the next run pauses the mentor),
--                  paused_by_run, renewed_and_paused (the certification is valid again), paused_by_hand, inactive
--   rule           what the nightly job would do now: the day, the latest expiry date, why (private.why_planned), and
--                  outcome, which is what update_mentor_status answers to a dry run of a new run
--   last_change    from the history: from, to, reason, when, by whom; with the run that made it, its plan and its approval
--   plan           what the newest plan says of the mentor; is_current: the mentor has not changed since
--   warnings       newest first, at most 20
--   messages       the last five to the mentor, and what became of them
--   portal         what HLF's portal was told
--   changes        earlier days that came from the portal: when, by whom, from, to
--   last_look      the last complete run, and its day
--   next_check     the day of the next run; pauses_on is the day on which the certification expires
--
-- People who are not administrators see "a person" in place of the names of others. p_user_id is for the HTTP entry, which
-- has verified the person's token.
-- Called by: the app and the console, for people who may see the mentor; the command line, the HTTP entry.
-- Errors: PT403 the mentor is not the caller's, also if there is no such mentor; PT404 for services; 42501
-- not_your_organisation.

create or replace function public.explain_mentor(p_mentor_id uuid, p_org_id uuid, p_user_id uuid default null)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
declare
    v_caller constant text := private.caller();
    v_person constant uuid := case when v_caller = 'person' then private.user_id() else p_user_id end;
    v_sees_names constant boolean := v_caller = 'service' and p_user_id is null or exists (
        select from public.org_members as o where o.org_id = p_org_id and o.user_id = v_person and o.role = 'admin'
    );
    v_today constant date := private.org_today(p_org_id);
    v_mentor public.peer_mentors;
    v_expires_on date;
    v_why text;
    v_outcome text;
    v_change public.peer_mentor_status_history;
    v_run public.scheduler_execution_log;
    v_look public.scheduler_execution_log;
    v_plan public.plans;
    v_entry public.plan_mentors;
    v_approval public.plan_approvals;
    v_is_expired boolean;
begin
    perform private.assert_job_org(p_org_id);
    if v_caller = 'service' and p_user_id is null or private.sees_mentor(v_person, p_mentor_id, p_org_id) then
        select * into v_mentor from public.peer_mentors as m where m.id = p_mentor_id and m.org_id = p_org_id;
    end if;
    if v_mentor.id is null then
        perform private.refuse_mentor();
    end if;
    select max(c.expires_on) into v_expires_on from public.certifications as c where c.mentor_id = p_mentor_id;
    v_is_expired := v_expires_on <= v_today;
    if v_is_expired then
        select w.why into v_why from private.why_planned(array[p_mentor_id], array[v_expires_on], v_today) as w;
    end if;
    v_outcome := case
        when v_mentor.status <> 'active' then 'not_active'
        when v_expires_on is null or not v_is_expired then 'not_expired'
        else coalesce(
            private.brake_outcome(p_org_id, null, p_mentor_id, v_mentor.version, v_expires_on, v_today, true),
            'would_change'
        )
    end;

    select * into v_change from public.peer_mentor_status_history as h
    where h.mentor_id = p_mentor_id order by h.id desc limit 1;
    select * into v_run from public.scheduler_execution_log as l
    where l.job_run_id = v_change.job_run_id and l.status in ('running', 'completed', 'failed');
    select * into v_look from public.scheduler_execution_log as l
    where l.org_id = p_org_id and l.job_name = 'certification_expiry' and l.status = 'completed'
        and not l.dry_run and l.redrive_of is null and l.plan_of is null
    order by l.started_at desc limit 1;
    select * into v_plan from public.plans as p where p.job_run_id = private.newest_plan(p_org_id);
    select * into v_entry from public.plan_mentors as e
    where e.job_run_id = v_plan.job_run_id and e.mentor_id = p_mentor_id;
    select * into v_approval from public.plan_approvals as a where a.job_run_id = v_plan.job_run_id;

    return jsonb_build_object(
        'mentor_id', v_mentor.id, 'status', v_mentor.status, 'version', v_mentor.version,
        'status_changed_at', v_mentor.status_changed_at,
        'answer', case
            when v_mentor.status = 'inactive' then 'inactive'
            when v_mentor.status = 'active' and v_expires_on is null then 'no_certification'
            when v_mentor.status = 'active' and not v_is_expired then 'valid'
            when v_mentor.status = 'active' then case when v_outcome = 'held' then 'held' else 'will_be_paused' end
            when v_change.reason is distinct from 'certification_expired' then 'paused_by_hand'
            when v_is_expired is not false then 'paused_by_run'
            else 'renewed_and_paused'
        end,
        'rule', jsonb_build_object(
            'as_of', v_today, 'expires_on', private.clamp_day(v_expires_on), 'why', v_why, 'outcome', v_outcome,
            'brake_mode', (select b.brake_mode from private.brake_of(p_org_id, 0, 0) as b)
        ),
        'last_change', case when v_change.id is not null then jsonb_build_object(
            'from', v_change.previous_status, 'to', v_change.new_status, 'reason', v_change.reason,
            'at', v_change.changed_at, 'by', v_change.changed_by_role,
            'expires_on', v_change.certification_expiry_date,
            'run', case when v_change.job_run_id is not null then jsonb_build_object(
                'job_run_id', v_change.job_run_id, 'job_name', v_run.job_name, 'as_of', v_run.as_of,
                'started_at', v_run.started_at, 'triggered_by', private.shown_name(v_run.triggered_by, v_sees_names),
                'plan_hash', v_run.plan_hash, 'plan_of', v_run.plan_of, 'withdraws', v_run.withdraws,
                'approved_by', private.shown_name(v_run.approved_by, v_sees_names),
                'approved_at', v_run.approved_at,
                'approval_note', v_run.approval_note
            ) end
        ) end,
        'plan', case when v_entry.mentor_id is not null then jsonb_build_object(
            'job_run_id', v_plan.job_run_id, 'as_of', v_plan.as_of, 'plan_hash', v_plan.plan_hash,
            'is_current', v_entry.version = v_mentor.version
                and v_entry.expires_on = private.clamp_day(v_expires_on),
            'action', v_entry.action, 'why', v_entry.why, 'expires_on', v_entry.expires_on,
            'approved_by', private.shown_name(v_approval.approved_by, v_sees_names), 'approved_at', v_approval.approved_at
        ) end,
        'warnings', coalesce((
            select jsonb_agg(jsonb_build_object(
                'expires_on', w.expires_on, 'stage', w.stage, 'warned_on', w.warned_on
            ) order by w.warned_on desc, w.stage)
            from (
                select x.* from public.warnings as x where x.mentor_id = p_mentor_id
                order by x.warned_on desc, x.stage limit 20
            ) as w
        ), '[]'),
        'messages', coalesce((
            select jsonb_agg(jsonb_build_object(
                'kind', g.kind, 'created_at', g.created_at, 'state', g.state
            ) order by g.id desc)
            from (
                select x.* from public.messages as x
                where x.person_id = coalesce(v_mentor.user_id, v_mentor.id) and x.audience = 'mentor'
                    and p_mentor_id = any(x.mentor_ids)
                order by x.id desc limit 5
            ) as g
        ), '[]'),
        'portal', (
            select jsonb_build_object(
                'synced_version', s.synced_version, 'synced_at', s.synced_at, 'is_synced', s.synced_version = v_mentor.version
            )
            from public.portal_sync_state as s where s.mentor_id = p_mentor_id
        ),
        'changes', coalesce((
            select jsonb_agg(jsonb_build_object(
                'at', c.changed_at, 'by', c.changed_by, 'job_run_id', c.job_run_id,
                'from', c.from_expires_on, 'to', c.to_expires_on
            ) order by c.id desc)
            from (
                select x.* from public.certification_changes as x where x.mentor_id = p_mentor_id order by x.id desc limit 20
            ) as c
        ), '[]'),
        'last_look', case when v_look.id is not null then jsonb_build_object(
            'job_run_id', v_look.job_run_id, 'as_of', v_look.as_of, 'finished_at', v_look.finished_at
        ) end,
        'next_check', jsonb_build_object(
            'as_of', greatest(v_look.as_of + 1, v_today),
            'pauses_on', case
                when v_mentor.status = 'active' and not v_is_expired then private.clamp_day(v_expires_on)
            end
        )
    );
end
$$;
comment on function public.explain_mentor is 'Why a mentor is, or is not, paused, as one JSON object.';
revoke execute on function public.explain_mentor from public, anon, authenticated;
grant execute on function public.explain_mentor to authenticated, service_role, mentor_pause_api;
