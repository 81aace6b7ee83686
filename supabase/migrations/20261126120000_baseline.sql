-- The roles that log in on the pooled transport (D9, E12): one for the nightly job, one for the portal sync, one
-- for the HTTP entry, one for the notifier. Each may execute the functions that are granted to it, and nothing else: it has no right on
-- a table and is not a member of service_role. The HTTP entry is reachable from the internet, so its role cannot
-- start a run or change a mentor: it looks up a user's role, reads the log, and logs the callers that it refuses
-- (O3).
--
-- A role cannot log in until an operator gives it a password: alter role ... login password '...'.
--
-- Roles belong to the cluster and not to a database, so each role may exist already.

do $$
declare
    v_role text;
begin
    foreach v_role in array array['mentor_pause_job', 'portal_sync', 'mentor_pause_api', 'mentor_pause_notifier'] loop
        begin
            if not exists (select from pg_catalog.pg_roles where rolname = v_role) then
                execute format('create role %I nologin noinherit', v_role);
            end if;
        exception
            -- Another database of the same cluster creates it at this moment.
            when duplicate_object or unique_violation then null;
        end;
    end loop;
end
$$;
comment on role mentor_pause_job is 'mentor-pause: dispatcher and expiry worker';
comment on role portal_sync is 'mentor-pause: HLF portal sync worker';
comment on role mentor_pause_api is 'mentor-pause: HTTP entry';
comment on role mentor_pause_notifier is 'mentor-pause: notifier, which sends the e-mails';

-- PostgreSQL ends an idle transaction of these roles, so that the row locks of a client that has disconnected do
-- not stay (R5), and lets them wait for a lock no longer than the functions do. These are defaults of the login: a
-- login role that inherits one of these roles needs its own settings (docs/deployment.md).
alter role mentor_pause_job set statement_timeout = '8s';
alter role mentor_pause_job set idle_in_transaction_session_timeout = '10s';
alter role mentor_pause_job set lock_timeout = '3s';
alter role portal_sync set statement_timeout = '8s';
alter role portal_sync set idle_in_transaction_session_timeout = '10s';
alter role portal_sync set lock_timeout = '3s';
alter role mentor_pause_api set statement_timeout = '8s';
alter role mentor_pause_api set idle_in_transaction_session_timeout = '10s';
alter role mentor_pause_api set lock_timeout = '3s';
alter role mentor_pause_notifier set statement_timeout = '8s';
alter role mentor_pause_notifier set idle_in_transaction_session_timeout = '10s';
alter role mentor_pause_notifier set lock_timeout = '3s';

grant usage on schema public to mentor_pause_job, portal_sync, mentor_pause_api, mentor_pause_notifier;

-- The schema of helper functions and tables; the API does not expose it. A project that already has a schema of
-- this name keeps its grants. Each of our functions there grants its own rights. A policy finds its functions
-- without usage of the schema.

create schema if not exists private;

-- Policies need functions, and functions need tables. So the schema files create functions first, and PostgreSQL
-- does not check their bodies against tables that do not exist yet.
set check_function_bodies = off;

-- The collation of private.fold_key (H1, R4). In a database whose ctype is C, lower() folds ASCII letters only, so
-- two spellings of a key with a Norwegian letter would differ. Supabase's databases have the ctype C.UTF-8, and so
-- has this collation. A server offers it under one of three names. This file can be run again.

do $$
begin
    if current_setting('server_version_num')::integer >= 170000 then
        execute 'create collation if not exists private.folding (provider = builtin, locale = ''C.UTF-8'')';
    else
        begin
            execute 'create collation if not exists private.folding (provider = libc, locale = ''C.UTF-8'')';
        exception when others then  -- the operating system does not have it
            execute 'create collation if not exists private.folding (provider = icu, locale = ''und'')';
        end;
    end if;
end
$$;
comment on collation private.folding is 'Compares portal keys without regard to case.';

-- Says whether the caller acts for an organisation (R5). Job roles act for the organisations in
-- private.job_organisations. If the role that logged in has rows there, only those count: it may switch to
-- the job role that it inherits, and that role may have other rows. People and services are not confined
-- here; policies confine people.
-- Called by: private.assert_job_org, begin_execution, private.notify_page.

create or replace function private.acts_for(p_org_id uuid)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select private.caller() in ('service', 'person') or exists (
        select from private.job_organisations as j
        where j.org_id = p_org_id
            and j.role_name = case
                when exists (select from private.job_organisations as own where own.role_name = session_user)
                    then session_user
                else coalesce(nullif(current_setting('role', true), 'none'), session_user)
            end
    )
$$;
comment on function private.acts_for is 'True if the caller is a person, a service, or a job role of this organisation.';
revoke execute on function private.acts_for from public, anon, authenticated;

-- Says whether numbers can be the days before a certification expires on which an organisation warns (W1).
-- Called by: a constraint of organisation_settings.

create or replace function private.are_warning_days(p_days integer [])
returns boolean
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select cardinality(p_days) <= 10
        and coalesce(bool_and(d.days between 1 and 365) and count(*) = count(distinct d.days), true)
    from unnest(p_days) as d (days)
$$;
comment on function private.are_warning_days is 'True if there are at most ten different days, each from 1 to 365.';
revoke execute on function private.are_warning_days from public, anon, authenticated;
-- A constraint runs with the rights of the role that writes the row.
grant execute on function private.are_warning_days to service_role;

-- Makes sure that the signed-in person administers the organisation (C1). It answers alike if there is no such organisation.
-- Called by: the functions of the console that are for administrators.
-- Errors: PT403 not_an_administrator.

create or replace function private.assert_administrator(p_org_id uuid)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if private.my_role(p_org_id) is distinct from 'admin' then
        raise exception 'not an administrator of the organisation' using errcode = 'PT403', hint = 'not_an_administrator',
            detail = 'ask an administrator of the organisation';
    end if;
end
$$;
comment on function private.assert_administrator is 'Fails unless the caller administers the organisation.';
revoke execute on function private.assert_administrator from public, anon, authenticated;

-- Makes sure that a plan is approved and that the approval holds (G4): until a later run makes another plan. A later plan with
-- the same hash decides the same, so the approval holds for it too.
-- Called by: begin_execution, for a run that releases held mentors.
-- Errors: PT409 not_approved, plan_lapsed.

create or replace function private.assert_approved(p_org_id uuid, p_job_run_id uuid)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_approved text;
    v_newest public.plans;
begin
    select a.plan_hash into v_approved from public.plan_approvals as a
    where a.job_run_id = p_job_run_id and a.org_id = p_org_id;
    select * into v_newest from public.plans as p where p.job_run_id = private.newest_plan(p_org_id);
    if v_approved is null then
        raise exception 'the plan is not approved' using errcode = 'PT409', hint = 'not_approved',
            detail = 'an administrator or an operator approves it first';
    elsif v_newest.plan_hash is distinct from v_approved then
        raise exception 'the approval has lapsed' using errcode = 'PT409', hint = 'plan_lapsed',
            detail = format('run %s has made a newer plan; approve that one', v_newest.job_run_id);
    end if;
end
$$;
comment on function private.assert_approved is 'Fails if a plan is not approved, or if a newer plan exists.';
revoke execute on function private.assert_approved from public, anon, authenticated;

-- Fails if an array has more than 500 elements (R5).
-- Called by: functions that take arrays. Errors: 22023.

create or replace function private.assert_array_size(p_name text, p_count integer)
returns void
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_between('number of ' || p_name, p_count, 0, 500)
$$;
comment on function private.assert_array_size is 'Fails if an array has more than 500 elements.';
revoke execute on function private.assert_array_size from public, anon, authenticated;

-- Checks the bounds of an argument (R5). Without them, an infinite day or a negative version could be stored
-- that no reader can read and nobody can delete. Null passes: it means "not given".
-- Called by: every function that a job role may execute, directly or through the functions below it.
-- Errors: 22023.

create or replace function private.assert_between(p_name text, p_value anycompatible, p_low anycompatible, p_high anycompatible)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_value < p_low or p_value > p_high then
        raise exception '% is out of bounds', p_name using errcode = '22023',
            detail = format('%s is between %s and %s', p_name, p_low, p_high);
    end if;
end
$$;
comment on function private.assert_between is 'Fails if an argument is outside its bounds.';
revoke execute on function private.assert_between from public, anon, authenticated;

-- Fails if a person asks about another coordinator's mentors (S7). A service may ask about every coordinator.
-- The queries also filter by p_coordinator_id.
-- Called by: the coordinator queries.
-- Errors: PT403 not_yours.

create or replace function private.assert_caller_is(p_coordinator_id uuid)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if private.caller() <> 'service' and p_coordinator_id is distinct from private.user_id() then
        raise exception 'not your mentors' using errcode = 'PT403', hint = 'not_yours',
            detail = 'p_coordinator_id must be the caller''s own id';
    end if;
end
$$;
comment on function private.assert_caller_is is 'Fails if a person asks about another coordinator''s mentors.';
revoke execute on function private.assert_caller_is from public, anon, authenticated;

-- Fails if a day is infinite, or too far away for a run (R5).
-- Called by: every function that a job role may execute and that takes a day. Errors: 22023.

create or replace function private.assert_date(p_name text, p_day date)
returns void
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_between(p_name, p_day, date '1900-01-01', date '2999-12-31')
$$;
comment on function private.assert_date is 'Fails if a day is infinite, or too far away for a run.';
revoke execute on function private.assert_date from public, anon, authenticated;

-- Confines a job role to its organisations (R5). People are confined by policies, services are not confined.
-- An organisation that does not exist passes: there is nothing to see, and the dispatcher must be able to log
-- that its configuration names a wrong one.
-- Called by: every function that a job role may execute.
-- Errors: 42501 with the hint not_your_organisation, which means a wrong configuration and not a wrong
-- mentor.

create or replace function private.assert_job_org(p_org_id uuid)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if not private.acts_for(p_org_id) and (
        private.caller() = 'nobody' or exists (select from public.organisations as o where o.id = p_org_id)
    ) then
        raise exception 'role % does not act for organisation %', session_user, p_org_id using errcode = '42501',
            hint = 'not_your_organisation',
            detail = 'private.job_organisations lists the organisations of each login role';
    end if;
end
$$;
comment on function private.assert_job_org is 'Fails if a job role asks for an organisation that it does not act for.';
revoke execute on function private.assert_job_org from public, anon, authenticated;

-- Fails if a text is too long (R5).
-- Called by: functions that take a text. Errors: 22023.

create or replace function private.assert_length(p_name text, p_text text, p_longest integer)
returns void
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_between('length of ' || p_name, length(p_text), 0, p_longest)
$$;
comment on function private.assert_length is 'Fails if a text is longer than p_longest characters.';
revoke execute on function private.assert_length from public, anon, authenticated;

-- Fails if a number of rows is missing or out of bounds (R5). PostgREST returns at most 1000 rows and does
-- not say that it left some out.
-- Called by: functions that take p_limit. Errors: 22023.

create or replace function private.assert_limit(p_limit integer)
returns void
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_between('p_limit', coalesce(p_limit, 0), 1, 1000)
$$;
comment on function private.assert_limit is 'Fails if a number of rows is missing, or not between 1 and 1000.';
revoke execute on function private.assert_limit from public, anon, authenticated;

-- Makes sure that the signed-in person is a member of the organisation (C1), and returns the role. It answers alike if there
-- is no such organisation.
-- Called by: the functions of the console.
-- Errors: PT403 not_a_member.

create or replace function private.assert_member(p_org_id uuid)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_role constant text := private.my_role(p_org_id);
begin
    if v_role is null then
        raise exception 'not a member of the organisation' using errcode = 'PT403', hint = 'not_a_member',
            detail = 'ask an administrator of the organisation to make you a member';
    end if;
    return v_role;
end
$$;
comment on function private.assert_member is 'The caller''s role in the organisation; fails if the caller is no member.';
revoke execute on function private.assert_member from public, anon, authenticated;

-- Limits how often one person may change one mentor (R5), because the history is append-only and every change
-- stays. The limit is per person, so that a mentor who changes their status often does not keep their
-- coordinator from pausing them. Jobs and services have no limit.
-- Called by: update_mentor_status, under the mentor's row lock.
-- Errors: PT429 too_many_changes.

create or replace function private.assert_not_too_often(p_mentor_id uuid, p_person uuid)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_person is null then
        return;
    end if;
    if (
        select count(*) from public.peer_mentor_status_history as h
        where h.mentor_id = p_mentor_id and h.changed_by = p_person
            and h.changed_at > clock_timestamp() - interval '1 hour'
    ) >= private.changes_per_hour() then
        raise exception 'too many changes' using errcode = 'PT429', hint = 'too_many_changes',
            detail = format(
                'you have changed this mentor %s times within an hour; try again later', private.changes_per_hour()
            );
    end if;
end
$$;
comment on function private.assert_not_too_often is 'Fails if a person has changed a mentor too often within an hour.';
revoke execute on function private.assert_not_too_often from public, anon, authenticated;

-- Fails if a moment is infinite, or centuries away (R5).
-- Called by: functions that take a moment. Errors: 22023.

create or replace function private.assert_timestamp(p_name text, p_at timestamptz)
returns void
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_between(p_name, p_at, timestamptz '1900-01-01 00:00+00', timestamptz '2999-12-31 00:00+00')
$$;
comment on function private.assert_timestamp is 'Fails if a moment is infinite, or centuries away.';
revoke execute on function private.assert_timestamp from public, anon, authenticated;

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

-- Makes sure that a run can be withdrawn (G5): it is a certification expiry run, no dry run, and it has ended.
-- Called by: begin_execution.
-- Errors: PT409 not_withdrawable.

create or replace function private.assert_withdrawable(p_org_id uuid, p_job_run_id uuid)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_run public.scheduler_execution_log;
begin
    select * into v_run from public.scheduler_execution_log as l
    where l.job_run_id = p_job_run_id and l.org_id = p_org_id and l.status in ('running', 'completed', 'failed');
    if private.is_withdrawable(v_run.job_name, v_run.dry_run, v_run.status) is not true then
        raise exception 'the run cannot be withdrawn: %', case
                when v_run.id is null then 'the log has no such run'
                when v_run.job_name <> 'certification_expiry' or v_run.dry_run
                    then 'only a certification expiry run that is not a dry run pauses mentors'
                else 'it is in progress; withdraw it when it has ended'
            end using errcode = 'PT409', hint = 'not_withdrawable';
    end if;
end
$$;
comment on function private.assert_withdrawable is 'Fails unless the run is a certification expiry run that has ended.';
revoke execute on function private.assert_withdrawable from public, anon, authenticated;

-- The brake of an organisation (G2): its mode and limits, and whether it acts on so many unforeseen pauses. It acts if there
-- are more than both limits. Only then, and in mode hold, the unforeseen mentors are held.
-- Called by: plan_certification_expiry, summarise_plan, explain_mentor, private.close_plan, private.brake_outcome.

create or replace function private.brake_of(p_org_id uuid, p_unforeseen bigint, p_active bigint)
returns table (brake_mode text, brake_count integer, brake_percent numeric, brake_acts boolean)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select
        b.brake_mode, b.brake_count, b.brake_percent,
        b.brake_mode <> 'off' and p_unforeseen > b.brake_count and p_unforeseen * 100 > p_active * b.brake_percent
    from (
        select
            coalesce(s.brake_mode, 'watch') as brake_mode, coalesce(s.brake_count, 10) as brake_count,
            coalesce(s.brake_percent, 5) as brake_percent
        from (select p_org_id) as asked (org_id)
        left join public.organisation_settings as s on s.org_id = asked.org_id
    ) as b
$$;
comment on function private.brake_of is 'The mode and the limits of an organisation''s brake, and whether it acts.';
revoke execute on function private.brake_of from public, anon, authenticated;

-- The brake, under a mentor's lock (G2, G4): whether a run may pause this mentor. Null: it may.
--
--   held            the run's plan holds the mentor; or the organisation's mode is hold, and neither a warning in time nor
--                   the run's plan covers this version and this date
--   changed_since   the run releases an approved plan, and the mentor is not as that plan says
--
-- A run in mode hold therefore pauses nobody whom its plan does not release, whichever way it was started. A plan that is
-- not whole releases nobody. A mentor whom a newer plan holds is held for earlier plans too, so a redrive, or runs for
-- earlier days, go around no brake. A redrive carries out the plan of the run before it. In the other modes a mentor who
-- changed after the plan is paused too, because a mentor who stays visible is the worse mistake.
-- The plan of a dry run releases nobody: only another dry run sees it.
-- update_mentor_status does not call it if the run's own plan pauses the mentor for this date, and the plan says that the
-- mentor was forewarned, or the mode is not hold.
-- Called by: update_mentor_status, list_run_outcomes, explain_mentor.

create or replace function private.brake_outcome(
    p_org_id uuid,
    p_job_run_id uuid,
    p_mentor_id uuid,
    p_version integer,
    p_expires_on date,
    p_as_of date,
    p_dry_run boolean
)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
declare
    v_expires_on constant date := private.clamp_day(p_expires_on);
    v_plan_of uuid;
    v_is_release boolean;
    v_plan public.plans;
    v_action text;
    v_is_same boolean;
begin
    select l.plan_of, l.approved_by is not null into v_plan_of, v_is_release
    from public.scheduler_execution_log as l
    where l.job_run_id = p_job_run_id and l.status in ('running', 'completed', 'failed');
    select * into v_plan from public.plans as p
    where p.job_run_id = coalesce(v_plan_of, p_job_run_id) and p.plan_hash is not null and (p_dry_run or not p.dry_run);
    select e.action, e.version = p_version and e.expires_on = v_expires_on into v_action, v_is_same
    from public.plan_mentors as e
    where e.job_run_id = v_plan.job_run_id and e.mentor_id = p_mentor_id;

    if v_is_release then
        return case when v_action = 'hold' and v_is_same then null else 'changed_since' end;
    elsif v_action = 'hold' and v_plan_of is null then
        return 'held';
    elsif (select b.brake_mode from private.brake_of(p_org_id, 0, 0) as b) <> 'hold' or (
        select w.why from private.why_planned(array[p_mentor_id], array[p_expires_on], p_as_of) as w
    ) = 'forewarned'
    then
        return null;
    elsif v_action = 'pause' and v_is_same and not exists (
        select from public.plans as n
        inner join public.plan_mentors as e on e.job_run_id = n.job_run_id
        where n.job_run_id = private.newest_plan(p_org_id) and (n.as_of, n.made_at) > (v_plan.as_of, v_plan.made_at)
            and e.mentor_id = p_mentor_id and e.action = 'hold' and e.version = p_version and e.expires_on = v_expires_on
    ) then
        return null;
    end if;
    return 'held';
end
$$;
comment on function private.brake_outcome is 'held or changed_since if a run may not pause the mentor; null if it may.';
revoke execute on function private.brake_outcome from public, anon, authenticated;

-- Returns who is calling, from the role of the request (REST) or of the login (pooled). Inside a security
-- definer function current_user is the function's owner; the setting "role" keeps the caller's value.
--
-- Only the roles that PostgREST switches to are people (S4). A login role that inherits a job role is that
-- job; one that inherits the owner's rights is a service. Every other role is nobody, so a role that is added
-- later gets no rights, and claims that it sets in its own session are ignored. The function is security
-- definer, so that current_user is the owner of the functions for every caller.
--
-- Every function names pg_catalog, pg_temp as its search_path. With an empty search_path PostgreSQL looks for
-- types in the caller's temporary schema first, and the check of a domain there would run with the owner's
-- rights.
-- Called by: security definer functions, which treat people, jobs and services differently.

create or replace function private.caller()
returns text
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select case
        when asks.role in ('authenticated', 'anon') then 'person'
        when asks.role in ('service_role', current_user) then 'service'
        when asks.role = 'mentor_pause_job' then 'job'
        when asks.role = 'portal_sync' then 'portal'
        when asks.role = 'mentor_pause_api' then 'api'
        when asks.role = 'mentor_pause_notifier' then 'notifier'
        when pg_has_role(asks.role, current_user, 'usage') then 'service'
        when pg_has_role(asks.role, 'mentor_pause_job', 'usage') then 'job'
        when pg_has_role(asks.role, 'portal_sync', 'usage') then 'portal'
        when pg_has_role(asks.role, 'mentor_pause_api', 'usage') then 'api'
        when pg_has_role(asks.role, 'mentor_pause_notifier', 'usage') then 'notifier'
        else 'nobody'
    end
    -- The role of the request (REST) or of the login (pooled).
    from (select coalesce(nullif(current_setting('role', true), 'none'), session_user)) as asks (role)
$$;
comment on function private.caller is
'The caller of the present call: service (service_role or the owner), job, portal, api, notifier, person or nobody.';
revoke execute on function private.caller from public, anon, authenticated;

-- The limit of private.assert_not_too_often (R5).

create or replace function private.changes_per_hour()
returns integer
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select 20
$$;
comment on function private.changes_per_hour is 'How often one person may change one mentor''s status within an hour.';
revoke execute on function private.changes_per_hour from public, anon, authenticated;

-- The part of the self-check that compares our tables with an adopter's own (R6). As docs/adopting.md
-- describes, an adopter writes the mapping as views in a schema adopted, with the names and columns of our
-- tables; triggers keep our tables equal to them.
--
-- After a mentor is entered, only update_mentor_status changes the status, and it raises the version. So a
-- status that differs while the version is 1 was changed in the adopter's table. With a later version it may
-- differ. Rows of organisations that are not in adopted.organisation, and certifications from the portal, do
-- not belong to the adopter.
-- Called by: private.check_mapping, after it knows that tables and columns fit.

create or replace function private.check_adopted()
returns table (area text, level text, finding text, what_to_do text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_mentors constant regclass := to_regclass('adopted.peer_mentors');
    v_of_theirs constant text := case
        when to_regclass('adopted.organisation') is null then 'true' else 'org_id in (select o.id from adopted.organisation as o)'
    end;
    v_table text;
    v_columns text;
    v_wrong_types text;
    v_count bigint;
    v_example text;
begin
    for v_table, v_columns, v_wrong_types in
        select
            c.relname, string_agg(quote_ident(a.attname), ', ' order by a.attnum),
            string_agg(format('%s is %s instead of %s', a.attname, format_type(a.atttypid, a.atttypmod), e.column_type), ', ')
                filter (where format_type(a.atttypid, a.atttypmod) <> e.column_type)
        from pg_class as c
        inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        inner join private.expected_columns() as e on e.table_name = c.relname and e.column_name = a.attname
        where c.relnamespace = to_regnamespace('adopted') and c.relkind = 'v' and a.attname <> 'status'
        group by c.relname
    loop
        if v_wrong_types is not null then
            return query select 'in step', 'wrong', format('adopted.%s has other types: %s', v_table, v_wrong_types),
                'convert them in the view; docs/adopting.md has a line for each type';
            continue;
        end if;
        execute format(
            'select count(*), min(row_to_json(x)::text) from (select %1$s from adopted.%2$I except select %1$s from public.%2$I) as x',
            v_columns, v_table
        ) into v_count, v_example;
        if v_count > 0 then
            return query select 'in step', 'wrong',
                format('rows of adopted.%s that differ from public.%1$s or are missing there: %s, for example %s', v_table, v_count, v_example),
                'look for a trigger that is missing or disabled; then run the function that fills the table';
        end if;
        continue when v_table not in ('org_members', 'chapters', 'peer_mentors', 'certifications');
        execute format(
            'select count(*), min(row_to_json(x)::text) from (
                select %1$s from public.%2$I where %3$s except select %1$s from adopted.%2$I) as x',
            v_columns, v_table, case v_table
                when 'peer_mentors' then v_of_theirs || ' and status <> ''inactive'''
                when 'certifications' then format(
                    'portal_id is null and mentor_id in (select m.id from public.peer_mentors as m where %s and m.status <> ''inactive'')',
                    v_of_theirs)
                else v_of_theirs
            end
        ) into v_count, v_example;
        if v_count > 0 then
            return query select 'in step', 'wrong',
                format('rows of public.%s that adopted.%1$s does not have: %s, for example %s', v_table, v_count, v_example),
                'members keep their rights, and the nightly job pauses the mentors or keeps them active: '
                'delete the rows, or make the mentors inactive';
        end if;
    end loop;
    if exists (select from pg_attribute as a where a.attrelid = v_mentors and a.attname = 'status') then
        execute format(
            'select count(*), min(m.id::text) from %s as a inner join public.peer_mentors as m on m.id::text = a.id::text
            where m.version = 1 and m.status <> a.status::text', v_mentors
        ) into v_count, v_example;
        if v_count > 0 then
            return query select 'in step', 'wrong',
                format('statuses of adopted.peer_mentors have changed since the mentors were entered: %s, for example of mentor %s',
                    v_count, v_example),
                'the nightly job reads public.peer_mentors: change the status by update_mentor_status, '
                'and let the app write to a view that computes each column from which the status comes';
        end if;
    end if;
end
$$;
comment on function private.check_adopted is 'Findings about our tables that differ from the views in the schema adopted.';
revoke execute on function private.check_adopted from public, anon, authenticated;

-- The part of the self-check that looks at the rows of members, coordinators and assignments (R6).
-- Constraints of our tables refuse most of these mistakes, but a view has no constraints, and somebody may
-- have dropped a constraint.
-- Called by: private.check_mapping, after it knows that tables and columns fit.

create or replace function private.check_coordinator_rows()
returns table (area text, level text, finding text, what_to_do text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    with current_assignments as (
        select a.mentor_id, a.coordinator_id from public.assignments as a
        where a.ended_at is null or a.ended_at > statement_timestamp()
    ),

    responsible as (
        select a.coordinator_id, m.org_id
        from current_assignments as a inner join public.peer_mentors as m on m.id = a.mentor_id
        union
        select cc.coordinator_id, c.org_id
        from public.coordinator_chapters as cc inner join public.chapters as c on c.id = cc.chapter_id
    ),

    without_account (table_name, of_row) as (
        select 'assignments', 'mentor ' || a.mentor_id from current_assignments as a where a.coordinator_id is null
        union all
        select 'coordinator_chapters', 'chapter ' || cc.chapter_id from public.coordinator_chapters as cc where cc.coordinator_id is null
    )

    select 'coordinators', 'wrong', format('members with the unknown role %L: %s, for example %s', m.role, count(*), min(m.user_id::text)),
        'map it onto admin or coordinator, or leave them out'
    from public.org_members as m
    where (m.role in ('admin', 'coordinator')) is not true group by m.role
    union all
    select 'coordinators', 'wrong', format('members of an unknown organisation: %s, for example %s', count(*), min(m.user_id::text)),
        'give them an org_id of public.organisations'
    from public.org_members as m
    where not exists (select from public.organisations as o where o.id = m.org_id) having count(*) > 0
    union all
    select 'coordinators', 'wrong',
        format('responsible for mentors, but not a member of their organisation: %s, for example %s', count(distinct r.coordinator_id),
            min(r.coordinator_id::text)),
        'enter them in public.org_members; until then they see no mentor and get no notification'
    from responsible as r
    where r.coordinator_id is not null
        and not exists (select from public.org_members as m where m.org_id = r.org_id and m.user_id = r.coordinator_id)
    having count(*) > 0
    union all
    select 'coordinators', 'wrong',
        format('public.%s.coordinator_id is empty: %s, for example of %s', w.table_name, count(*), min(w.of_row)),
        'the coordinator has no account: give them one, or leave the rows out (where ... is not null)'
    from without_account as w group by w.table_name
    union all
    select 'coordinators', 'wrong', format('assignments of unknown mentors: %s, for example %s', count(*),
        coalesce(min(a.mentor_id::text), 'null')),
        'map the key of the mentor to the id in public.peer_mentors'
    from public.assignments as a
    where not exists (select from public.peer_mentors as m where m.id = a.mentor_id) having count(*) > 0
    union all
    select 'coordinators', 'wrong', format('coordinators of unknown chapters: %s, for example %s', count(*), min(cc.coordinator_id::text)),
        'map the key of the chapter to the id in public.chapters'
    from public.coordinator_chapters as cc
    where not exists (select from public.chapters as c where c.id = cc.chapter_id) having count(*) > 0
    union all
    select 'coordinators', 'wrong', format('assignments that occur several times: %s, for example of mentor %s', count(*),
        min(twice.mentor_id::text)),
        'let the view show a pair of mentor and coordinator once'
    from (
        select a.mentor_id from current_assignments as a
        group by a.mentor_id, a.coordinator_id having count(*) > 1
    ) as twice
    having count(*) > 0
    union all
    select 'contacts', 'wrong', format('mentors with several contacts: %s, for example %s', count(*), min(twice.mentor_id::text)),
        'let the view show a mentor once'
    from (
        select k.mentor_id from public.mentor_contacts as k where k.mentor_id is not null
        group by k.mentor_id having count(*) > 1
    ) as twice
    having count(*) > 0
    union all
    select 'contacts', 'wrong', format('members with several contacts: %s, for example %s', count(*), min(twice.user_id::text)),
        'let the view show a member of an organisation once'
    from (
        select k.user_id from public.member_contacts as k where k.user_id is not null
        group by k.org_id, k.user_id having count(*) > 1
    ) as twice
    having count(*) > 0
    union all
    select 'contacts', 'note', format('%s that no e-mail can be sent to: %s, for example of %s', c.of_whom, count(*), min(c.id::text)),
        'the coordinators see such mentors as not reachable (no_address); correct the address, or leave it empty'
    from (
        select 'addresses of mentors' as of_whom, k.mentor_id as id, k.email from public.mentor_contacts as k
        union all
        select 'addresses of members', k.user_id, k.email from public.member_contacts as k
    ) as c
    where c.email <> '' and not private.is_address(c.email)
    group by c.of_whom
$$;
comment on function private.check_coordinator_rows is 'Findings about members, coordinators and assignments.';
revoke execute on function private.check_coordinator_rows from public, anon, authenticated;

-- The part of the self-check that looks at triggers, job roles, the API's schemas, and functions that
-- everybody may execute (R6, S6, D9).
-- Called by: private.check_mapping.

create or replace function private.check_guards()
returns table (area text, level text, finding text, what_to_do text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    with guards (table_name, trigger_name, is_always) as (
        values
            ('organisations', 'grant_first_organisation', false),
            ('peer_mentors', 'restart_portal_reading', false),
            ('peer_mentor_status_history', 'refuse_update', true),
            ('peer_mentor_status_history', 'refuse_delete', true),
            ('peer_mentor_status_history', 'refuse_truncate', true),
            ('scheduler_execution_log', 'restrict_log_updates', true),
            ('scheduler_execution_log', 'refuse_delete', true),
            ('scheduler_execution_log', 'refuse_truncate', true)
    ),

    job_roles (name) as (
        values ('mentor_pause_job'), ('portal_sync'), ('mentor_pause_api'), ('mentor_pause_notifier')
    ),

    -- The adopter's functions in the schema adopted, and those whose text names one of our tables.
    writers as (
        select f.oid, f.prosecdef, f.proconfig
        from pg_proc as f inner join pg_namespace as n on n.oid = f.pronamespace
        where
            n.nspname not in ('pg_catalog', 'information_schema', 'private', 'extensions')
            and (
                n.nspname = 'adopted'
                or f.prosrc ~ '\m(organisations|chapters|org_members|coordinator_chapters|peer_mentors|assignments|certifications)\M'
            )
    ),

    settings (value) as (
        select substr(s.setting, length('pgrst.db_schemas=') + 1)
        from pg_db_role_setting as d, unnest(d.setconfig) as s (setting)
        where s.setting like 'pgrst.db\_schemas=%'
        union all
        select current_setting('pgrst.db_schemas', true)
    )

    select 'triggers', 'wrong', format('the trigger %s on public.%s is %s', g.trigger_name, g.table_name, case
        when t.oid is null then 'missing' when t.tgenabled = 'D' then 'disabled' else 'not enabled always'
    end), case
        when t.oid is null then 'create it as supabase/schemas does'
        else format('alter table public.%s enable %strigger %s', g.table_name,
            case when g.is_always then 'always ' else '' end, g.trigger_name)
    end
    from guards as g
    left join pg_trigger as t on t.tgrelid = to_regclass('public.' || g.table_name) and t.tgname = g.trigger_name
    where to_regclass('public.' || g.table_name) is not null
        and (t.oid is null or t.tgenabled not in ('A', case when g.is_always then 'A' else 'O' end))
    union all
    select 'triggers', 'wrong', format('the trigger %I on %s is disabled', t.tgname, t.tgrelid::regclass),
        format('alter table %s enable trigger %I, and look for rows that it missed', t.tgrelid::regclass, t.tgname)
    from pg_trigger as t inner join writers as w on w.oid = t.tgfoid
    where t.tgenabled = 'D' and not t.tgisinternal
    union all
    select 'functions', 'wrong',
        format('%s runs with the rights of its owner, and uses the search_path of its caller', w.oid::regprocedure),
        format('alter function %s set search_path = pg_catalog, pg_temp; write schemas before names in it', w.oid::regprocedure)
    from writers as w
    where w.prosecdef and not exists (select from unnest(w.proconfig) as c (setting) where c.setting like 'search\_path=%')
    union all
    select 'functions', 'note', 'everybody may execute: ' || string_agg(f.oid::regprocedure::text, ', ' order by f.proname),
        'revoke execute from public unless you intend it; the job roles, whose passwords are in a cloud secret, may execute them'
    from pg_proc as f
    where
        f.pronamespace = 'public'::regnamespace and f.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
        and exists (
            select from aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) as a
            where a.grantee = 0 and a.privilege_type = 'EXECUTE'
        )
        and not exists (
            select from pg_depend as d where d.classid = 'pg_proc'::regclass and d.objid = f.oid and d.deptype = 'e'
        )
    having count(*) > 0
    union all
    select 'roles', 'wrong', format('the role %s %s', j.name, case
        when r.oid is null then 'does not exist' else 'acts for no organisation'
    end), case
        when r.oid is null then 'create it as the migrations do'
        else format('insert into private.job_organisations (role_name, org_id) values (%L, ...)', j.name)
    end
    from job_roles as j left join pg_roles as r on r.rolname = j.name
    where r.oid is null or not exists (
        select from private.job_organisations as o inner join pg_roles as login on login.rolname = o.role_name
        where login.oid = r.oid or pg_has_role(login.oid, r.oid, 'member') and not login.rolsuper
    )
    union all
    select distinct 'api', 'wrong', format('the API exposes the schema %s', trim(s.name)),
        format('take %s out of the exposed schemas (pgrst.db_schemas)', trim(s.name))
    from settings as v, string_to_table(v.value, ',') as s (name)
    where trim(s.name) in ('private', 'adopted')
$$;
comment on function private.check_guards is 'Findings about triggers, job roles, exposed schemas and open functions.';
revoke execute on function private.check_guards from public, anon, authenticated;

-- The part of the self-check that asks the planner how it finds the rows of one mentor, coordinator, chapter
-- or user in each table that may be a view (R6). A night asks once per mentor; without an index it would read
-- a whole table for each mentor.
--
-- The settings make the planner avoid whole tables, so it reads one only if an index is missing. An index
-- with another first column does not count, because the planner would read the whole index. Tables of fewer
-- than 100 rows are left out: all plans cost the same there, so the planner may read the whole table although
-- it has the index.
-- Called by: private.check_mapping, after it knows that the columns fit.

create or replace function private.check_indexes()
returns table (area text, level text, finding text, what_to_do text)
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
set enable_bitmapscan = 'off'
set enable_material = 'off'
set enable_incremental_sort = 'off'
set enable_hashjoin = 'off'
set enable_mergejoin = 'off'
as $$
declare
    v_table text;
    v_column text;
    v_plan json;
    v_schema text;
    v_read text;
    v_is_small boolean;
begin
    for v_table, v_column in
        values
            ('certifications', 'mentor_id'), ('assignments', 'mentor_id'), ('assignments', 'coordinator_id'),
            ('coordinator_chapters', 'coordinator_id'), ('coordinator_chapters', 'chapter_id'), ('org_members', 'user_id'),
            ('mentor_contacts', 'mentor_id'), ('member_contacts', 'user_id')
    loop
        execute format(
            'explain (verbose, format json) select * from public.%I where %I = %L', v_table, v_column, gen_random_uuid()
        ) into v_plan;
        for v_schema, v_read in
            select distinct n ->> 'Schema', n ->> 'Relation Name'
            from jsonb_path_query(v_plan::jsonb, 'strict $.** ? (exists (@."Relation Name"))') as n
            left join pg_index as i on i.indexrelid = to_regclass(quote_ident(n ->> 'Schema') || '.' || quote_ident(n ->> 'Index Name'))
            where
                n ->> 'Node Type' in ('Seq Scan', 'Index Scan', 'Index Only Scan') and n ->> 'Relation Name' <> 'organisations'
                and (
                    not n ? 'Index Cond'
                    or i.indkey[0] <> 0
                    and strpos(n ->> 'Index Cond', format('%I.%s', n ->> 'Alias', pg_get_indexdef(i.indexrelid, 1, true))) = 0
                )
        loop
            execute format('select count(*) < 100 from (select from %I.%I limit 100) as x', v_schema, v_read) into v_is_small;
            continue when v_is_small;
            return query select 'indexes', 'wrong',
                format('a query of public.%s by %s reads the whole of %I.%I', v_table, v_column, v_schema, v_read),
                format('create an index on %I.%I that begins with the column from which %s comes', v_schema, v_read, v_column);
        end loop;
    end loop;
end
$$;
comment on function private.check_indexes is 'Findings about missing indexes of mapped tables.';
revoke execute on function private.check_indexes from public, anon, authenticated;

-- The self-check for a project that maps its own tables onto ours (R6): one row for each mistake, or no row
-- if everything fits. It changes nothing. It reads everything, so only the owner may execute it.
--
--   level wrong   a night would fail, pause the wrong mentors, or show rows to the wrong people
--   level note    may be intended; look at it
--
-- It looks at rows only if tables and columns fit.
-- Called by: an adopter, before the mapping is committed and whenever in doubt (docs/adopting.md).
-- Locks: see private.check_triggers.

create or replace function private.check_mapping()
returns table (area text, level text, finding text, what_to_do text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_accounts constant regclass := to_regclass('auth.users');
    v_members text;
begin
    return query select t.* from private.check_tables() as t;
    if found then
        return query select g.* from private.check_guards() as g;
        return;
    end if;
    return query select t.* from private.check_rights() as t;
    return query select t.* from private.check_indexes() as t;
    return query select t.* from private.check_mentor_rows() as t;
    return query select t.* from private.check_coordinator_rows() as t;
    return query select t.* from private.check_adopted() as t;
    return query select t.* from private.check_triggers() as t;
    return query select t.* from private.check_guards() as t;
    if v_accounts is not null then
        execute format(
            'select string_agg(m.user_id::text, '', '') from (
                select o.user_id from public.org_members as o
                where not exists (select from %s as u where u.id = o.user_id) limit 3
            ) as m', v_accounts
        ) into v_members;
        if v_members is not null then
            return query select 'coordinators', 'note', format('members who are not in auth.users: %s', v_members),
                'nobody can sign in as them; map the column that holds the id of auth.users';
        end if;
    end if;
end
$$;
comment on function private.check_mapping is
'Mistakes in a project that maps its own tables: area, level (wrong or note), finding, what to do. No row: everything fits.';
revoke execute on function private.check_mapping from public, anon, authenticated;

-- The part of the self-check that looks at the rows of organisations, mentors and certifications (R6).
-- Constraints of our tables refuse most of these mistakes, but a view has no constraints, and somebody may
-- have dropped a constraint.
-- Called by: private.check_mapping, after it knows that tables and columns fit.

create or replace function private.check_mentor_rows()
returns table (area text, level text, finding text, what_to_do text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select 'organisations', 'wrong', 'there is no organisation', 'insert one into public.organisations'
    where not exists (select from public.organisations)
    union all
    select 'organisations', 'wrong', format('organisation %s has the time zone %s', o.slug, coalesce(quote_literal(o.time_zone), 'null')),
        'set time_zone to a name such as Europe/Oslo'
    from public.organisations as o where private.is_time_zone(o.time_zone) is not true
    union all
    select 'organisations', 'note', format('organisation %s has no administrator', o.slug),
        'then nobody sees all of its mentors; enter a member with the role admin'
    from public.organisations as o
    where not exists (select from public.org_members as m where m.org_id = o.id and m.role = 'admin')
    union all
    select 'mentors', 'note', 'there is no mentor', 'fill public.peer_mentors'
    where not exists (select from public.peer_mentors)
    union all
    select 'mentors', 'wrong', format('mentors of an unknown organisation: %s, for example %s', count(*), min(m.id::text)),
        'give them an org_id of public.organisations'
    from public.peer_mentors as m
    where not exists (select from public.organisations as o where o.id = m.org_id) having count(*) > 0
    union all
    select 'mentors', 'wrong', format('mentors of an unknown chapter: %s, for example %s', count(*), min(m.id::text)),
        'give them a chapter_id of public.chapters, or null'
    from public.peer_mentors as m
    where m.chapter_id is not null and not exists (select from public.chapters as c where c.id = m.chapter_id) having count(*) > 0
    union all
    select 'mentors', 'wrong', format('mentors in a chapter of another organisation: %s, for example %s', count(*), min(m.id::text)),
        'correct org_id or chapter_id'
    from public.peer_mentors as m inner join public.chapters as c on c.id = m.chapter_id
    where c.org_id <> m.org_id having count(*) > 0
    union all
    select 'mentors', 'wrong', format('mentors with the unknown status %L: %s, for example %s', m.status, count(*), min(m.id::text)),
        'map it onto active, paused or inactive'
    from public.peer_mentors as m
    where (m.status in ('active', 'paused', 'inactive')) is not true group by m.status
    union all
    select 'mentors', 'wrong', format('mentors share the portal key %L: %s, for example %s', min(m.portal_key), count(*), min(m.id::text)),
        'give each mentor a key of their own; upper and lower case are the same'
    from public.peer_mentors as m
    where m.portal_key is not null group by m.org_id, private.fold_key(m.portal_key) having count(*) > 1
    union all
    select 'certifications', 'wrong', 'public.certifications is a view, and the portal sync, which has run here, writes to it',
        'keep our table, and let a trigger fill it; docs/adopting.md has the statements'
    from pg_class as c
    where
        c.oid = to_regclass('public.certifications') and c.relkind = 'v'
        and (exists (select from public.portal_watermarks) or exists (select from public.portal_sync_state))
    union all
    select 'certifications', 'note', format('active mentors without any certification: %s, for example %s', count(*), min(m.id::text)),
        'the nightly job does not pause them; enter their certifications, or an expired one'
    from public.peer_mentors as m
    where m.status = 'active' and not exists (select from public.certifications as c where c.mentor_id = m.id) having count(*) > 0
    union all
    select 'certifications', 'wrong', format('certifications of unknown mentors: %s, for example of mentor %s', count(*),
        coalesce(min(c.mentor_id::text), 'null')),
        'map the key of the mentor to the id in public.peer_mentors'
    from public.certifications as c
    where not exists (select from public.peer_mentors as m where m.id = c.mentor_id) having count(*) > 0
    union all
    select 'certifications', 'wrong', format('certifications without a day: %s, for example of mentor %s', count(*), min(c.mentor_id::text)),
        'leave them out, or write infinity if they never expire'
    from public.certifications as c where c.expires_on is null having count(*) > 0
    union all
    select 'certifications', 'note', format('certifications that expired before 1990: %s, for example of mentor %s', count(*),
        min(c.mentor_id::text)),
        'compare them with their source: a year of two digits, or a day and a month that changed places'
    from public.certifications as c where c.expires_on < date '1990-01-01' having count(*) > 0
$$;
comment on function private.check_mentor_rows is 'Findings about organisations, mentors and certifications.';
revoke execute on function private.check_mentor_rows from public, anon, authenticated;

-- The part of the self-check that looks at grants, row-level security and the tables behind views (R6, S4,
-- S6). A Supabase project grants its clients everything on new tables and views (default privileges), so a
-- mapping must revoke it.
-- Called by: private.check_mapping.

create or replace function private.check_rights()
returns table (area text, level text, finding text, what_to_do text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    with recursive mapped as (
        select e.table_name, c.oid, c.relkind, c.relrowsecurity, c.reloptions
        from (select distinct x.table_name from private.expected_columns() as x) as e
        inner join pg_class as c on c.oid = to_regclass('public.' || quote_ident(e.table_name))
    ),

    -- Tables and views behind each mapped view, also through views of views.
    behind (view_name, oid) as (
        select m.table_name, m.oid from mapped as m where m.relkind = 'v'
        union
        select b.view_name, d.refobjid
        from behind as b
        inner join pg_rewrite as r on r.ev_class = b.oid
        inner join pg_depend as d
            on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
            and d.refclassid = 'pg_class'::regclass and d.refobjid <> b.oid
    ),

    sources as (
        select b.view_name, c.oid, c.oid::regclass::text as source_name, c.relrowsecurity
        from behind as b inner join pg_class as c on c.oid = b.oid
        where c.relkind in ('r', 'p') and c.oid not in (select m.oid from mapped as m)
    ),

    allowed as (
        select
            m.table_name, role.name as role_name,
            string_agg(p.privilege, ', ' order by p.privilege) filter (
                where has_table_privilege(role.name, m.oid, p.privilege)
            ) as held,
            bool_or(p.privilege = 'select' and has_table_privilege(role.name, m.oid, p.privilege)) as reads
        from mapped as m,
            unnest(array[
                'anon', 'authenticated', 'mentor_pause_job', 'portal_sync', 'mentor_pause_api', 'mentor_pause_notifier'
            ]) as role (name),
            unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as p (privilege)
        where exists (select from pg_roles as r where r.rolname = role.name)
        group by m.table_name, role.name
    )

    select 'rights', 'wrong', format('the view public.%s shows its rows to everybody who may read it', m.table_name),
        format('alter view public.%s set (security_invoker = true)', m.table_name)
    from mapped as m
    where m.relkind = 'v' and not coalesce(m.reloptions @> array['security_invoker=true'], false)
    union all
    select 'rights', 'wrong', format('%s may %s on public.%s', a.role_name, a.held, a.table_name),
        format('revoke all on public.%s from %s%s', a.table_name, a.role_name, case
            when a.role_name = 'authenticated' then format('; grant select on public.%s to authenticated', a.table_name) else ''
        end)
    from allowed as a
    where a.held <> case when a.role_name = 'authenticated' then 'select' else '' end
    union all
    select 'rights', 'wrong', format('authenticated may not read public.%s', a.table_name),
        format('grant select on public.%s to authenticated', a.table_name)
    from allowed as a where a.role_name = 'authenticated' and not a.reads
    union all
    select 'rights', 'wrong', format('service_role may not read public.%s', m.table_name),
        format('grant select on public.%s to service_role', m.table_name)
    from mapped as m
    where not has_table_privilege('service_role', m.oid, 'select')
    union all
    select 'rights', 'wrong', format('service_role may change public.%s.%s', m.table_name, a.attname),
        format('revoke update on public.%s from service_role; a status changes through update_mentor_status only', m.table_name)
    from mapped as m inner join pg_attribute as a on a.attrelid = m.oid
    where m.table_name = 'peer_mentors' and a.attname in ('status', 'version')
        and has_column_privilege('service_role', m.oid, a.attnum, 'update')
    union all
    select 'rights', 'wrong', format('row-level security is off, or has no policy, on public.%s', m.table_name),
        'enable row-level security, and create the policies that the migrations create'
    from mapped as m
    where m.relkind in ('r', 'p')
        and not (m.relrowsecurity and exists (select from pg_policy as p where p.polrelid = m.oid))
    union all
    select 'rights', 'wrong',
        format('everybody who is signed in reads %s through public.%s', s.source_name, s.view_name),
        format('alter table %s enable row level security, and write a policy', s.source_name)
    from sources as s
    where not s.relrowsecurity and has_table_privilege('authenticated', s.oid, 'select')
    union all
    select 'rights', 'wrong', format('our functions may not read all of %s, which public.%s shows', s.source_name, s.view_name),
        format('alter table %s owner to %I', s.source_name, f.proowner::regrole::text)
    from sources as s inner join pg_proc as f on f.oid = to_regproc('private.check_rights')
    where not has_table_privilege(f.proowner, s.oid, 'select')
        or (s.relrowsecurity and row_security_active(s.oid))
    union all
    select 'rights', 'wrong', format('%s may execute %s', role.name, f.oid::regprocedure),
        format('revoke execute on function %s from public, %s', f.oid::regprocedure, role.name)
    from pg_proc as f, unnest(array['anon', 'authenticated']) as role (name)
    where f.pronamespace = 'public'::regnamespace and has_function_privilege(role.name, f.oid, 'execute')
        and (
            f.proname in (
                'run_certification_expiry', 'begin_execution', 'finish_execution', 'list_expired_mentors',
                'mark_portal_synced', 'mirror_portal_certifications', 'notify_coordinators', 'notify_coordinators_page',
                'write_warnings', 'begin_digest', 'finish_digest', 'record_delivery', 'settle_messages', 'list_messages',
                'get_message_figures', 'list_paused_unwarned'
            )
            or (role.name = 'anon' and f.proname in ('update_mentor_status', 'get_mentor_status'))
        )
$$;
comment on function private.check_rights is 'Findings about grants, row-level security and the tables behind mapped views.';
revoke execute on function private.check_rights from public, anon, authenticated;

-- The part of the self-check that looks at tables, columns and their types (R6). It reads the catalogue only,
-- so it works even if tables are missing.
-- Called by: private.check_mapping.

create or replace function private.check_tables()
returns table (area text, level text, finding text, what_to_do text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    with expected as (
        select distinct e.table_name, e.may_be_view, to_regclass('public.' || quote_ident(e.table_name)) as found
        from private.expected_columns() as e
    ),

    present as (
        select e.table_name, e.may_be_view, c.oid, c.relkind
        from expected as e inner join pg_class as c on c.oid = e.found
    ),

    columns as (
        select
            p.table_name, p.relkind, e.column_name, e.column_type,
            format_type(a.atttypid, a.atttypmod) as actual_type,
            (
                select string_agg(other.attname, ', ' order by other.attnum)
                from pg_attribute as other
                where
                    other.attrelid = p.oid and other.attnum > 0 and not other.attisdropped
                    and other.attname not in (
                        select x.column_name from private.expected_columns() as x where x.table_name = p.table_name
                    )
            ) as others
        from present as p
        inner join private.expected_columns() as e on e.table_name = p.table_name
        left join pg_attribute as a
            on a.attrelid = p.oid and a.attname = e.column_name and a.attnum > 0 and not a.attisdropped
    )

    select 'tables', 'wrong', format('public.%s is missing', e.table_name), case
        when e.may_be_view then 'create the view, or the table as supabase/schemas does, in one transaction'
        else 'restore it from a backup, or apply the migrations to a fresh copy of the project'
    end
    from expected as e where e.found is null
    union all
    select 'tables', 'wrong', format('public.%s is %s', p.table_name, case p.relkind
        when 'v' then 'a view' when 'm' then 'a materialised view' when 'f' then 'a foreign table' else 'not a table'
    end), case
        when p.may_be_view then 'create an ordinary view: our functions must see each change at once'
        else 'keep our table, and let a trigger fill it: other tables refer to it or functions write to it'
    end
    from present as p
    where p.relkind not in ('r', 'p') and not (p.may_be_view and p.relkind = 'v')
    union all
    select 'columns', 'wrong', format('public.%s has no column %s', c.table_name, c.column_name),
        format('name a column %s of type %s in the mapping%s', c.column_name, c.column_type,
            coalesce('; columns that no function uses: ' || c.others, ''))
    from columns as c where c.actual_type is null
    union all
    select 'columns', 'wrong',
        format('public.%s.%s has the type %s instead of %s', c.table_name, c.column_name, c.actual_type, c.column_type),
        format('convert it in the mapping: %s; docs/adopting.md has a line for each type',
            private.suggest_conversion(c.actual_type, c.column_type))
    from columns as c where c.actual_type <> c.column_type
$$;
comment on function private.check_tables is 'Findings about tables, columns and types of the mapping.';
revoke execute on function private.check_tables from public, anon, authenticated;

-- The part of the self-check that looks at the triggers that keep our tables equal to the views in the schema
-- adopted (R6): each view has one, and its function runs.
--
-- PL/pgSQL checks the columns of old and new only when a trigger fires. So the function updates one row of
-- each table to its own values, and undoes that. The update also fires the adopter's other triggers, which
-- may name tables without a schema; therefore it has the search_path of a new session of the caller. An error
-- in which no function of the mapping takes part would also occur without the mapping.
-- Called by: private.check_mapping.
-- Locks: one row of each table that has such a trigger, until the update is undone; it skips rows that are
-- locked. If a trigger fills a whole table, it waits for another transaction that does so.

create or replace function private.check_triggers()
returns table (area text, level text, finding text, what_to_do text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_table text;
    v_column text;
    v_functions text;
    v_names text;
    v_sees_truncate boolean;
    v_context text;
    v_is_ours boolean;
begin
    return query
    with recursive behind (view_name, oid) as (
        select c.relname, c.oid from pg_class as c where c.relnamespace = to_regnamespace('adopted') and c.relkind = 'v'
        union
        select b.view_name, d.refobjid
        from behind as b
        inner join pg_rewrite as r on r.ev_class = b.oid
        inner join pg_depend as d
            on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> b.oid
    ),

    -- The code that a trigger runs: its function, and the functions that this function or an argument names.
    run as (
        select t.tgrelid, f.prosrc || coalesce((
            select string_agg(g.prosrc, ' ') from pg_proc as g
            where g.pronamespace in (f.pronamespace, to_regnamespace('adopted'))
                and f.prosrc || ' ' || encode(t.tgargs, 'escape') ~ ('\m' || g.proname || '\M')
        ), '') as source
        from pg_trigger as t inner join pg_proc as f on f.oid = t.tgfoid
        where not t.tgisinternal and t.tgrelid in (select b.oid from behind as b)
    )

    select distinct 'triggers', 'wrong', format('no trigger keeps public.%s in step with adopted.%1$s', b.view_name),
        'create the trigger keep_in_step on your table; docs/adopting.md has the statement'
    from behind as b
    where
        b.view_name in (select e.table_name from private.expected_columns() as e)
        and not exists (
            select from behind as source inner join run as r on r.tgrelid = source.oid
            where source.view_name = b.view_name and r.source ~ ('\mpublic\.' || b.view_name || '\M')
        );
    if current_setting('transaction_read_only')::boolean then
        return;
    end if;
    for v_table, v_functions, v_names, v_sees_truncate, v_column in
        select
            t.tgrelid::regclass, string_agg(distinct f.oid::regproc::text, ', '), string_agg(distinct f.proname, '|'),
            bool_or(t.tgtype & 32 > 0),
            (
                select a.attname from pg_attribute as a
                where a.attrelid = t.tgrelid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attidentity <> 'a'
                order by a.attnum limit 1
            )
        from pg_trigger as t inner join pg_proc as f on f.oid = t.tgfoid
        where f.pronamespace = to_regnamespace('adopted') and not t.tgisinternal
        group by t.tgrelid
    loop
        if not v_sees_truncate then
            return query select 'triggers', 'wrong', format('no trigger notices a truncate of %s', v_table),
                'create the trigger for truncate; docs/adopting.md has the statement';
        end if;
        begin
            set local search_path = default;
            execute format(
                'update %1$s set %2$I = %2$I where ctid = (select ctid from %1$s limit 1 for update skip locked)', v_table, v_column
            );
            raise sqlstate 'UNDO1';
        exception
            when sqlstate 'UNDO1' then null;
            when others then
                get stacked diagnostics v_context = pg_exception_context;
                v_is_ours := v_context ~ ('\m(' || v_names || ')\M');
                return query select 'triggers', case when v_is_ours then 'wrong' else 'note' end,
                    format('an update of %s fails: %s', v_table, sqlerrm),
                    format('correct the trigger''s function (%s); until then your app may be unable to write to the table',
                        coalesce(trim('"' from substring(v_context from 'function ([^\n]*?) (?:line|statement|during)')), v_functions));
        end;
    end loop;
end
$$;
comment on function private.check_triggers is 'Findings about the triggers that keep our tables equal to the views in the schema adopted.';
revoke execute on function private.check_triggers from public, anon, authenticated;

-- A day within the range that programs can read (R4). An adopter's table may contain infinity, or
-- 10000-01-01, for a certification that never expires; Python's days have the years 1 to 9999. Whether a
-- certification has expired is decided by the stored day, not by this one.
-- Called by: functions that return a day of expiry.

create or replace function private.clamp_day(p_day date)
returns date
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when p_day < date '0001-01-01' then date '0001-01-01'
        when p_day > date '9999-12-31' then date '9999-12-31'
        else p_day
    end
$$;
comment on function private.clamp_day is 'The day, or the nearest one in the years 1 to 9999.';
revoke execute on function private.clamp_day from public, anon, authenticated;

-- Decides what the brake holds of a plan, and writes down its counts and its hash (G1, G2).
-- Called by: make_plan, once, when all mentors are planned.
-- Locks: the plan.

create or replace function private.close_plan(p_job_run_id uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
declare
    v_org_id constant uuid := (select p.org_id from public.plans as p where p.job_run_id = p_job_run_id);
    v_planned integer;
    v_unforeseen integer;
    v_active integer := (select count(*) from public.peer_mentors as m where m.org_id = v_org_id and m.status = 'active');
    v_brake record;
    v_held integer := 0;
begin
    select count(*), count(*) filter (where e.why <> 'forewarned') into v_planned, v_unforeseen
    from public.plan_mentors as e where e.job_run_id = p_job_run_id;
    select * into v_brake from private.brake_of(v_org_id, v_unforeseen, v_active);
    if v_brake.brake_acts and v_brake.brake_mode = 'hold' then
        update public.plan_mentors as e set action = 'hold'
        where e.job_run_id = p_job_run_id and e.why <> 'forewarned';
        get diagnostics v_held = row_count;
    end if;
    update public.plans as p set
        brake_mode = v_brake.brake_mode, brake_count = v_brake.brake_count, brake_percent = v_brake.brake_percent,
        brake_acts = v_brake.brake_acts, active_count = v_active, planned_count = v_planned,
        unforeseen_count = v_unforeseen, held_count = v_held, made_at = clock_timestamp(),
        plan_hash = (
            select private.hash_plan(
                p.org_id, p.as_of, array_agg(e.mentor_id order by e.mentor_id), array_agg(e.version order by e.mentor_id),
                array_agg(e.expires_on order by e.mentor_id), array_agg(e.action order by e.mentor_id)
            )
            from public.plan_mentors as e where e.job_run_id = p_job_run_id
        )
    where p.job_run_id = p_job_run_id;
end
$$;
comment on function private.close_plan is 'Decides what the brake holds of a plan, and writes down its counts and its hash.';
revoke execute on function private.close_plan from public, anon, authenticated;

-- Says in one sentence what the newest plan has that an older one had not (G4), for a person whose hash is old. It names no
-- mentor, because an error message reaches logs.
-- Called by: approve_plan.

create or replace function private.compare_plans(p_org_id uuid, p_old_hash text, p_newest uuid)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_old uuid := (
        select p.job_run_id from public.plans as p
        where p.org_id = p_org_id and p.plan_hash = p_old_hash order by p.made_at desc limit 1
    );
    v_newest public.plans;
    v_changes text;
begin
    select * into v_newest from public.plans as p where p.job_run_id = p_newest;
    if v_old is null then
        v_changes := 'the hash that you gave is of no plan that is kept';
    else
        select format(
            'of the held mentors %s are new, %s are not held any more, and %s have another version or date',
            count(*) filter (where o.mentor_id is null), count(*) filter (where n.mentor_id is null),
            count(*) filter (where (o.version, o.expires_on) is distinct from (n.version, n.expires_on)
                and o.mentor_id is not null and n.mentor_id is not null)
        ) into v_changes
        from (select e.* from public.plan_mentors as e where e.job_run_id = v_old and e.action = 'hold') as o
        full join (select e.* from public.plan_mentors as e where e.job_run_id = p_newest and e.action = 'hold') as n
            on n.mentor_id = o.mentor_id;
    end if;
    return format(
        'the newest plan is of run %s for %s, has the hash %s and holds %s mentors; %s', v_newest.job_run_id, v_newest.as_of,
        v_newest.plan_hash, v_newest.held_count, v_changes
    );
end
$$;
comment on function private.compare_plans is 'What the newest plan holds that the plan of an older hash did not.';
revoke execute on function private.compare_plans from public, anon, authenticated;

-- The runs of a job that have looked at all mentors of an organisation (O1): they ended well by p_moment, and are no dry runs,
-- redrives or releases. A manual run for a day before the one on which it started repeats an earlier night, and does not
-- count.
-- Called by: get_run_freshness, get_tonight.

create or replace function private.complete_runs(p_org_id uuid, p_job_name text, p_moment timestamptz)
returns table (
    id bigint, job_run_id uuid, as_of date, status text, started_at timestamptz, finished_at timestamptz, error_count integer
)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select l.id, l.job_run_id, l.as_of, l.status, l.started_at, l.finished_at, l.error_count
    from public.scheduler_execution_log as l
    inner join public.organisations as o on o.id = l.org_id
    where l.org_id = p_org_id and l.job_name = p_job_name and l.status = 'completed'
        and not l.dry_run and l.redrive_of is null and l.plan_of is null
        and l.finished_at <= p_moment
        and (l.trigger <> 'manual' or l.as_of >= (l.started_at at time zone o.time_zone)::date)
$$;
comment on function private.complete_runs is 'The runs of a job that have looked at all mentors of an organisation.';
revoke execute on function private.complete_runs from public, anon, authenticated;

-- The address and the language of a person to whom messages are addressed (W3): as a member of the organisation, or
-- else as a mentor. But a contact with an address comes before one without. A language that is not English becomes
-- bokmål.
-- Called by: begin_digest, private.digest_content.

create or replace function private.contact_of(p_org_id uuid, p_person_id uuid)
returns table (email text, language text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select c.email, case when c.language ~* '^en\M' then 'en' else 'nb' end
    from (
        select btrim(k.email::text) as email, k.language::text, 1 as place, null::uuid as mentor_id
        from public.member_contacts as k
        where k.org_id = p_org_id and k.user_id = p_person_id
        union all
        select btrim(k.email::text), k.language::text, 2, m.id
        from public.peer_mentors as m
        inner join public.mentor_contacts as k on k.mentor_id = m.id
        where m.org_id = p_org_id and (m.user_id = p_person_id or m.id = p_person_id)
    ) as c
    order by not private.is_address(c.email), c.place, c.mentor_id, c.email
    limit 1
$$;
comment on function private.contact_of is 'The e-mail address and the language of a person; no row: the person has no contact.';
revoke execute on function private.contact_of from public, anon, authenticated;

-- The rule that says which mentors a coordinator is responsible for (S4), in one place for reads and changes: by
-- assignment or by chapter, and only while the coordinator is a member of the mentor's organisation. A
-- coordinator who leaves the organisation loses all of them, and no assignment reaches another organisation. The
-- policy of peer_mentors states the same rule by columns, so that it needs no list of mentors.
--
-- It returns the ids from p_first to p_last in order, at most p_limit; null: no bound. Each part reads an index
-- from p_first on and stops at p_limit, so a page costs the same everywhere, and one mentor (p_first = p_last)
-- costs a few lookups.
-- Called by: the coordinator queries, private.my_mentors.

create or replace function private.coordinated_mentors(
    p_coordinator_id uuid, p_first uuid default null, p_last uuid default null, p_limit integer default null
)
returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    (
        select a.mentor_id
        from public.assignments as a
        inner join public.peer_mentors as m
            -- The bounds are repeated: PostgreSQL does not conclude them, and may read all mentors before p_first.
            on m.id = a.mentor_id
            and m.id >= coalesce(p_first, '00000000-0000-0000-0000-000000000000')
            and m.id <= coalesce(p_last, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
        where
            a.coordinator_id = p_coordinator_id
            and (a.ended_at is null or a.ended_at > clock_timestamp())
            and a.mentor_id >= coalesce(p_first, '00000000-0000-0000-0000-000000000000')
            and a.mentor_id <= coalesce(p_last, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
            and m.org_id = any(array(select o.org_id from public.org_members as o where o.user_id = p_coordinator_id))
        order by a.mentor_id
        limit p_limit
    )
    union
    (
        select page.id
        from public.coordinator_chapters as cc
        cross join lateral (
            select m.id
            from public.peer_mentors as m
            where
                m.chapter_id = cc.chapter_id
                and m.id >= coalesce(p_first, '00000000-0000-0000-0000-000000000000')
                and m.id <= coalesce(p_last, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                and m.org_id = any(array(select o.org_id from public.org_members as o where o.user_id = p_coordinator_id))
            order by m.id
            limit p_limit
        ) as page
        where cc.coordinator_id = p_coordinator_id
    )
    order by 1
    limit p_limit
$$;
comment on function private.coordinated_mentors is
'The mentors of a coordinator, by assignment or by chapter, from p_first to p_last, at most p_limit; null: no bound.';
revoke execute on function private.coordinated_mentors from public, anon, authenticated;

-- The coordinators who are responsible for mentors, by the rule of private.coordinated_mentors: by assignment or by
-- chapter, and as a member of the mentor's organisation.
-- Called by: private.notify_page, write_warnings, once for all their mentors.

create or replace function private.coordinators_of(p_mentor_ids uuid [])
returns table (mentor_id uuid, coordinator_id uuid)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select r.mentor_id, r.coordinator_id
    from (
        select m.id as mentor_id, m.org_id, a.coordinator_id
        from public.peer_mentors as m
        inner join public.assignments as a on a.mentor_id = m.id
        where m.id = any(p_mentor_ids) and (a.ended_at is null or a.ended_at > clock_timestamp())
        union
        select m.id, m.org_id, cc.coordinator_id
        from public.peer_mentors as m
        inner join public.coordinator_chapters as cc on cc.chapter_id = m.chapter_id
        where m.id = any(p_mentor_ids)
    ) as r
    inner join public.org_members as o on o.org_id = r.org_id and o.user_id = r.coordinator_id
$$;
comment on function private.coordinators_of is 'The responsible coordinators of each mentor.';
revoke execute on function private.coordinators_of from public, anon, authenticated;

-- The content of a digest: the address (null if the contact has gone meanwhile), and counts and days of the messages that it
-- covers (W5). If an earlier digest has counted a part of a message's mentors, this one counts the rest.
-- Called by: begin_digest.

create or replace function private.digest_content(p_digest_id uuid)
returns table (
    email text,
    language text,
    day date,
    own_paused_on date,
    own_expires_on date,
    paused_count integer,
    renewed_count integer,
    expiring_count integer,
    first_expires_on date,
    unreachable_count integer,
    held_count integer,
    own_resumed_on date,
    resumed_count integer,
    unforeseen_count integer
)
language sql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
    with digest as (
        select d.*, o.time_zone
        from public.digests as d inner join public.organisations as o on o.id = d.org_id
        where d.id = p_digest_id
    ),

    covered as (
        select m.* from public.messages as m where m.digest_id = p_digest_id
    ),

    -- The mentors for whom the person is responsible, each once.
    expiring as (
        select distinct w.mentor_id, w.expires_on
        from covered as m
        cross join digest as d
        cross join lateral private.warned_mentors(m.mentor_ids, d.day) as w
        where m.audience = 'coordinator' and m.kind = 'warning'
    ),

    unreachable as (
        select distinct ids.mentor_id
        from covered as m cross join lateral unnest(m.mentor_ids) as ids (mentor_id)
        left join public.mentor_contacts as k on k.mentor_id = ids.mentor_id
        where m.audience = 'coordinator'
            and (m.kind <> 'warning' or ids.mentor_id in (select e.mentor_id from expiring as e))
            and private.why_unreachable(m.org_id, k.email) is not null
    ),

    news as (
        select
            m.kind, m.audience,
            sum(m.sending_count - m.announced_count)::integer as mentors,
            max((m.created_at at time zone d.time_zone)::date) as day
        from covered as m cross join digest as d
        group by m.kind, m.audience
    )

    select
        c.email, c.language, d.day,
        (select n.day from news as n where n.audience = 'mentor' and n.kind = 'paused'),
        (
            select min(w.expires_on)
            from covered as m cross join lateral private.warned_mentors(m.mentor_ids, d.day) as w
            where m.audience = 'mentor' and m.kind = 'warning'
        ),
        coalesce((select n.mentors from news as n where n.audience = 'coordinator' and n.kind = 'paused'), 0),
        coalesce((select n.mentors from news as n where n.audience = 'coordinator' and n.kind = 'renewed'), 0),
        (select count(*)::integer from expiring),
        (select min(e.expires_on) from expiring as e),
        (select count(*)::integer from unreachable),
        (
            select count(distinct ids.mentor_id)::integer
            from covered as m cross join lateral unnest(m.mentor_ids) as ids (mentor_id)
            where m.kind = 'held' and ids.mentor_id in (select h.mentor_id from private.held_mentors(d.org_id) as h)
        ),
        (select n.day from news as n where n.audience = 'mentor' and n.kind = 'resumed'),
        coalesce((select n.mentors from news as n where n.audience = 'coordinator' and n.kind = 'resumed'), 0),
        coalesce((select n.mentors from news as n where n.audience = 'admin' and n.kind = 'unforeseen'), 0)
    from digest as d left join lateral private.contact_of(d.org_id, d.person_id) as c on true
$$;
comment on function private.digest_content is 'The address, the language, the counts and the days of a digest.';
revoke execute on function private.digest_content from public, anon, authenticated;

-- The day of the newest night whose check should be over (C2), in the organisation's time zone. The nightly job begins at
-- 02:00 UTC, and has 29 minutes; the monitor has the same rule (functions/monitor/nightly_check.py), and a test compares them.
-- Called by: get_tonight, private.paused_tonight.

create or replace function private.due_day(p_org_id uuid, p_at timestamptz default statement_timestamp())
returns date
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select (
        (date_trunc('day', (p_at - interval '2 hours 29 minutes') at time zone 'UTC') + interval '2 hours')
        at time zone 'UTC' at time zone o.time_zone
    )::date
    from public.organisations as o where o.id = p_org_id
$$;
comment on function private.due_day is 'The day of the newest night whose check should be over.';
revoke execute on function private.due_day from public, anon, authenticated;

-- The warnings that are due on a day (W1), in the order of their mentors: an active mentor whose latest certification
-- expires in at most as many days as a stage has, and in more days than the next stage has, and who has not been warned
-- of the same date at this stage or a later one.
--
-- PostgreSQL looks up each certification that expires soon in the indexes. It cannot know that on a usual night nearly
-- all of them are warned already, and would read all mentors and all certifications; so the other ways are off.
-- Called by: write_warnings.

create or replace function private.due_warnings(p_org_id uuid, p_as_of date, p_limit integer)
returns table (mentor_id uuid, user_id uuid, expires_on date, stage integer)
language sql
stable
set search_path = pg_catalog, pg_temp
set enable_hashjoin = 'off'
set enable_mergejoin = 'off'
set enable_seqscan = 'off'
as $$
    with stages as (
        select d.days as stage, coalesce(lag(d.days) over (order by d.days), 0) as next_stage
        from unnest(private.warning_days(p_org_id)) as d (days)
    ),

    -- On a usual night few are left after this step; two certifications may expire on the same day.
    unwarned as materialized (
        select distinct c.mentor_id, c.expires_on, s.stage
        from stages as s
        inner join public.certifications as c
            on c.expires_on > p_as_of + s.next_stage and c.expires_on <= p_as_of + s.stage
        where not exists (
            select from public.warnings as w
            where w.mentor_id = c.mentor_id and w.expires_on = c.expires_on and w.stage <= s.stage
        )
    )

    select m.id, m.user_id, u.expires_on, u.stage
    from unwarned as u
    inner join public.peer_mentors as m on m.id = u.mentor_id
    where m.org_id = p_org_id and m.status = 'active'
        and not exists (
            select from public.certifications as later
            where later.mentor_id = u.mentor_id and later.expires_on > u.expires_on
        )
    order by m.id
    limit p_limit
$$;
comment on function private.due_warnings is 'The mentors to warn on a day, with the date of which and the stage at which they are warned.';
revoke execute on function private.due_warnings from public, anon, authenticated;

-- Refuses to change, delete or truncate rows (S6), also for the owner. The owner can still change the table
-- itself.
-- Called by: triggers of peer_mentor_status_history and scheduler_execution_log.
-- Errors: 42501.

create or replace function private.enforce_append_only()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = '42501',
        detail = format('%s is refused', lower(tg_op));
end
$$;
comment on function private.enforce_append_only is 'Refuses to change, delete or truncate rows.';
revoke execute on function private.enforce_append_only from public, anon, authenticated;

-- The columns on which our functions rely, for the self-check of a project that maps its own tables (R6).
-- may_be_view: the table may be a view of another table, because no foreign key refers to it and only the
-- portal sync writes to it.
-- Called by: private.check_tables, private.check_rights, private.check_adopted, private.check_triggers.

create or replace function private.expected_columns()
returns table (table_name text, may_be_view boolean, column_name text, column_type text)
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select t.table_name, t.may_be_view, c.column_name, c.column_type
    from (values
        ('organisations', false, '{id,uuid,slug,text,time_zone,text}'::text []),
        ('chapters', false, '{id,uuid,org_id,uuid,name,text}'),
        ('org_members', false, '{org_id,uuid,user_id,uuid,role,text}'),
        ('coordinator_chapters', true, '{coordinator_id,uuid,chapter_id,uuid}'),
        ('peer_mentors', false, '{id,uuid,org_id,uuid,chapter_id,uuid,user_id,uuid,portal_key,text,status,text,version,integer,
            status_changed_at,timestamp with time zone}'),
        ('assignments', true, '{mentor_id,uuid,coordinator_id,uuid,ended_at,timestamp with time zone}'),
        ('certifications', true, '{id,uuid,mentor_id,uuid,expires_on,date,portal_id,text,
            portal_modified_on,timestamp with time zone,seen_by_run_id,uuid,job_run_id,uuid}'),
        ('peer_mentor_status_history', false, '{id,bigint,mentor_id,uuid,org_id,uuid,previous_status,text,new_status,text,
            reason,text,certification_expiry_date,date,job_run_id,uuid,changed_at,timestamp with time zone,
            changed_by,uuid,changed_by_role,text,plan_hash,text,approved_by,text,approved_at,timestamp with time zone,
            approval_note,text}'),
        ('scheduler_execution_log', false, '{id,bigint,job_name,text,job_run_id,uuid,org_id,uuid,trigger,text,
            triggered_by,text,as_of,date,dry_run,boolean,status,text,started_at,timestamp with time zone,
            finished_at,timestamp with time zone,processed_count,integer,paused_count,integer,skipped_count,integer,
            error_count,integer,error,text,synced_count,integer,renewed_count,integer,redrive_of,uuid,
            resumed_count,integer,unforeseen_count,integer,held_count,integer,plan_of,uuid,plan_hash,text,approved_by,text,
            approved_at,timestamp with time zone,approval_note,text,withdraws,uuid}'),
        ('messages', false, '{id,bigint,org_id,uuid,audience,text,person_id,uuid,kind,text,mentor_ids,uuid[],job_run_id,uuid,
            reminder,smallint,expires_on,date,created_at,timestamp with time zone,read_at,timestamp with time zone,state,text,
            due_at,timestamp with time zone,expected_at,timestamp with time zone,announced_count,integer,sending_count,integer,
            refusal,text,digest_id,uuid}'),
        ('digests', false, '{id,uuid,org_id,uuid,person_id,uuid,day,date,state,text,address_hash,text,
            provider_message_id,text,reason,text,began_at,timestamp with time zone,changed_at,timestamp with time zone,is_urgent,boolean}'),
        ('plans', false, '{job_run_id,uuid,org_id,uuid,as_of,date,dry_run,boolean,rule,text,cursor,uuid,
            made_at,timestamp with time zone,brake_mode,text,brake_count,integer,brake_percent,"numeric(5,2)",
            active_count,integer,planned_count,integer,unforeseen_count,integer,held_count,integer,brake_acts,boolean,
            plan_hash,text}'),
        ('plan_mentors', false, '{job_run_id,uuid,mentor_id,uuid,version,integer,expires_on,date,action,text,why,text}'),
        ('plan_approvals', false, '{job_run_id,uuid,org_id,uuid,plan_hash,text,approved_by,text,
            approved_at,timestamp with time zone,note,text}'),
        ('certification_changes', false, '{id,bigint,mentor_id,uuid,portal_id,text,changed_at,timestamp with time zone,
            changed_by,text,job_run_id,uuid,from_expires_on,date,to_expires_on,date}'),
        ('warnings', false, '{mentor_id,uuid,expires_on,date,stage,integer,warned_on,date,
            created_at,timestamp with time zone}'),
        ('mentor_contacts', true, '{mentor_id,uuid,display_name,text,email,text,language,text}'),
        ('organisation_settings', false, '{org_id,uuid,warning_days,integer[],brake_mode,text,brake_count,integer,brake_percent,"numeric(5,2)"}'),
        ('member_contacts', true, '{org_id,uuid,user_id,uuid,display_name,text,email,text,language,text}'),
        ('portal_sync_state', false, '{mentor_id,uuid,synced_version,integer,synced_at,timestamp with time zone,
            job_run_id,uuid,effective_on,date}'),
        ('portal_watermarks', false, '{org_id,uuid,watermark,timestamp with time zone,job_run_id,uuid}')
    ) as t (table_name, may_be_view, names_and_types),
        lateral (
            select t.names_and_types[n] as column_name, t.names_and_types[n + 1] as column_type
            from generate_series(1, cardinality(t.names_and_types), 2) as n
        ) as c
$$;
comment on function private.expected_columns is 'The tables and columns on which the functions rely, with their types.';
revoke execute on function private.expected_columns from public, anon, authenticated;

-- The rule of the nightly job, in one place (E1): the active mentors of an organisation whose latest certification
-- expired on or before p_as_of, in id order, after p_after (null: from the first one), at most p_limit (null: all).
--
-- It takes the active mentors in windows of growing size, and groups the certifications between the first and the
-- last mentor of a window. So PostgreSQL reads a range of each index once, and does not look up every mentor. If many
-- mentors have expired, one small window fills the page. If nobody has, the windows grow, and few are needed.
-- The query joins nothing, because the planner cannot estimate a range that is shorter than a part of its histogram,
-- and would choose a slow join. `offset 0` keeps it from looking up every element of the array in the index.
-- Called by: list_expired_mentors, count_stale_active_mentors, private.plan_page.

create or replace function private.expired_mentors(p_org_id uuid, p_as_of date, p_after uuid, p_limit integer)
returns table (mentor_id uuid, expires_on date)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $$
#variable_conflict use_column
declare
    v_after uuid := coalesce(p_after, '00000000-0000-0000-0000-000000000000');
    v_size integer := 2 * coalesce(p_limit, 25000);
    v_left integer := p_limit;
    v_window uuid [];
    v_found integer;
begin
    loop
        v_window := array(
            select m.id from public.peer_mentors as m
            where m.org_id = p_org_id and m.status = 'active' and m.id > v_after
            order by m.id
            limit v_size
        );
        return query
        select expired.mentor_id, expired.expires_on
        from (
            select c.mentor_id, max(c.expires_on) as expires_on
            from public.certifications as c
            where c.mentor_id > v_after and c.mentor_id <= v_window[cardinality(v_window)]
            group by c.mentor_id
            having max(c.expires_on) <= p_as_of
            offset 0
        ) as expired
        where expired.mentor_id = any(v_window)
        order by expired.mentor_id
        limit v_left;
        get diagnostics v_found = row_count;
        v_left := v_left - v_found;
        exit when v_left = 0 or cardinality(v_window) < v_size;
        v_after := v_window[cardinality(v_window)];
        v_size := least(4 * v_size, 50000);
    end loop;
end
$$;
comment on function private.expired_mentors is
'Active mentors with an expired certification, and its date, in id order, after p_after; at most p_limit, null: all.';
revoke execute on function private.expired_mentors from public, anon, authenticated;

-- A portal key in the spelling that look-ups compare. The portal, Dataverse, compares keys without regard to
-- case, so two keys that differ only in case are the same key (H1), whatever the locale of the database is
-- (R4).
-- Called by: the unique index of peer_mentors; mirror_portal_certifications.

create or replace function private.fold_key(p_key text)
returns text
language sql
immutable
strict
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
    select lower(p_key collate private.folding) collate "C"
$$;
comment on function private.fold_key is 'A portal key in the spelling that look-ups compare.';
revoke execute on function private.fold_key from public, anon, authenticated;
grant execute on function private.fold_key to service_role;

-- How many days before the night a mentor must have been warned of an expiry date, so that the pause is not unforeseen (G2).

create or replace function private.forewarned_days()
returns integer
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select 7
$$;
comment on function private.forewarned_days is 'A pause is unforeseen unless the mentor was warned so many days before.';
revoke execute on function private.forewarned_days from public, anon, authenticated;

-- Lets the job roles act for the first organisation of a database (R5), so that a database with one
-- organisation needs no further step. For another organisation an operator decides
-- (private.job_organisations).
-- Called by: the trigger grant_first_organisation of organisations.

create or replace function private.grant_first_organisation()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
begin
    if (select count(*) from public.organisations) = 1 and not exists (select from private.job_organisations) then
        insert into private.job_organisations (role_name, org_id)
        select role.name, o.id
        from public.organisations as o,
            unnest(array['mentor_pause_job', 'portal_sync', 'mentor_pause_api', 'mentor_pause_notifier']) as role (name);
    end if;
    return null;
end
$$;
comment on function private.grant_first_organisation is
'Lets the job roles act for the first organisation of a database; an operator decides about other organisations.';
revoke execute on function private.grant_first_organisation from public, anon, authenticated, service_role;

-- The hash by which digests remember an address without holding it.
-- Called by: begin_digest, private.why_unreachable.

create or replace function private.hash_address(p_email text)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select encode(sha256(convert_to(lower(p_email), 'UTF8')), 'hex')
$$;
comment on function private.hash_address is 'SHA-256 of an address in lower case, in hexadecimal digits.';
revoke execute on function private.hash_address from public, anon, authenticated;

-- The hash of a plan (G1): SHA-256, in hexadecimal, of these lines in UTF-8, each with a line feed at its end. Days are
-- written as 2026-11-22, ids in lower case.
--
--   <rule>,<organisation>,<day>
--   <mentor>,<version>,<expiry date>,<action>     for each mentor, in the order of their ids
--
-- The arrays are in that order.
-- Called by: summarise_plan, private.close_plan.

create or replace function private.hash_plan(
    p_org_id uuid, p_as_of date, p_mentor_ids uuid [], p_versions integer [], p_expires_ons date [], p_actions text []
)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select encode(
        sha256(convert_to(
            format(E'%s,%s,%s\n', private.plan_rule(), p_org_id, to_char(p_as_of, 'YYYY-MM-DD'))
            || coalesce(
                string_agg(
                    p.mentor_id || ',' || p.version || ',' || to_char(p.expires_on, 'YYYY-MM-DD') || ',' || p.action || E'\n',
                    '' order by p.place
                ), ''
            ), 'UTF8'
        )), 'hex'
    )
    from unnest(p_mentor_ids, p_versions, p_expires_ons, p_actions)
        with ordinality as p (mentor_id, version, expires_on, action, place)
$$;
comment on function private.hash_plan is 'SHA-256 of a plan: rule, organisation and day, then a line for each mentor.';
revoke execute on function private.hash_plan from public, anon, authenticated;

-- The mentors whom a plan holds (G3), and whether they have changed since it was made: then its release leaves them as they are.
-- A mentor whom the release has paused already has not changed.
-- Called by: approve_plan, get_held.

create or replace function private.held_entries(p_job_run_id uuid)
returns table (mentor_id uuid, expires_on date, why text, has_changed boolean)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select
        e.mentor_id, e.expires_on, e.why,
        (
            m.status is distinct from 'active' or m.version <> e.version or e.expires_on is distinct from private.clamp_day(
                (select max(c.expires_on) from public.certifications as c where c.mentor_id = e.mentor_id)
            )
        )
        and not exists (
            select from public.peer_mentor_status_history as h
            where h.mentor_id = e.mentor_id
                and h.plan_hash = (select p.plan_hash from public.plans as p where p.job_run_id = p_job_run_id)
        )
    from public.plan_mentors as e
    left join public.peer_mentors as m on m.id = e.mentor_id
    where e.job_run_id = p_job_run_id and e.action = 'hold'
$$;
comment on function private.held_entries is 'The mentors whom a plan holds, and whether they have changed since.';
revoke execute on function private.held_entries from public, anon, authenticated;

-- The mentors who are held now (G3): the newest plan holds them, and they are still as it says: no later run or person
-- has paused or renewed them.
-- Called by: get_brake_figures, private.is_message_true, private.digest_content.

create or replace function private.held_mentors(p_org_id uuid)
returns table (mentor_id uuid)
language sql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
    select e.mentor_id
    from public.plan_mentors as e
    inner join public.peer_mentors as m on m.id = e.mentor_id
    where e.job_run_id = private.newest_plan(p_org_id) and e.action = 'hold' and m.status = 'active' and m.version = e.version
        and e.expires_on = (
            select greatest(date '0001-01-01', least(max(c.expires_on), date '9999-12-31'))
            from public.certifications as c where c.mentor_id = e.mentor_id
        )
$$;
comment on function private.held_mentors is 'The mentors whom the newest plan holds, and who have not changed since.';
revoke execute on function private.held_mentors from public, anon, authenticated;

-- Says whether a text is an e-mail address to which SES can send: one address, its local part in ASCII. A view of an
-- adopter may hold any text. The pattern names its letters, because classes of letters depend on the locale. The length
-- of the local part is compared outside the pattern: within it, {1,64} makes one check take 23 microseconds instead of 2.
-- It is written in PL/pgSQL, which keeps its plan: lists check 100,000 addresses at once. The labels are taken apart only if
-- one of them can be too long.
-- Called by: private.contact_of, private.why_unreachable.

create or replace function private.is_address(p_text text)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if length(p_text) <= 254 and strpos(p_text, '@') <= 65
        and p_text ~ '^[A-Za-z0-9!#$%&''*+/=?^_`{|}~.-]+@[A-Za-z0-9\u00c0-\u1fff.-]+\.[A-Za-z\u00c0-\u1fff]{2,}$'
        and p_text !~ '(^\.|\.@|\.\.|@[.-]|[.-]\.)' then
        -- A label of a domain has at most 63 characters.
        return length(p_text) - strpos(p_text, '@') <= 63 or not exists (
            select from string_to_table(substr(p_text, strpos(p_text, '@') + 1), '.') as l (label) where length(l.label) > 63
        );
    end if;
    return false;
end
$$;
comment on function private.is_address is 'True for one e-mail address to which SES can send.';
revoke execute on function private.is_address from public, anon, authenticated;

-- Says whether a message may still be sent (W1): it is not too old, its reader may still know it (S4), and what it says
-- still holds. Coordinators and administrators who have left the organisation get no more messages. A warning holds
-- for an active mentor who was warned of the date on which the certification still expires, and that date has not come.
-- The mentor's own message about a pause, or its withdrawal, holds while that is the last change. A message about held
-- mentors holds while their plan is the newest one and somebody is held. News for coordinators stay true.
-- Called by: private.take_messages.

create or replace function private.is_message_true(p_message_id bigint, p_today date)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select m.created_at > clock_timestamp() - interval '7 days'
        and (m.audience = 'mentor' or exists (
            select from public.org_members as o
            where o.org_id = m.org_id and o.user_id = m.person_id and (o.role = 'admin' or m.audience = 'coordinator')
        ))
        and case
            when m.kind = 'warning' then exists (select from private.warned_mentors(m.mentor_ids, p_today))
            when m.kind in ('paused', 'resumed') and m.audience = 'mentor' then exists (
                select from public.peer_mentors as p
                where p.id = any(m.mentor_ids)
                    and p.status = case m.kind when 'paused' then 'paused' else 'active' end and m.job_run_id = (
                    select h.job_run_id from public.peer_mentor_status_history as h
                    where h.mentor_id = p.id order by h.id desc limit 1
                )
            )
            when m.kind = 'held' then m.job_run_id = private.newest_plan(m.org_id)
                and exists (select from private.held_mentors(m.org_id))
            else true
        end
    from public.messages as m
    where m.id = p_message_id
$$;
comment on function private.is_message_true is 'True if the message is not too old to be sent, and what it says still holds.';
revoke execute on function private.is_message_true from public, anon, authenticated;

-- Accepts the time zones that both PostgreSQL and Python know (R4): Area/City or UTC, as spelt in the time
-- zone database. PostgreSQL alone would also accept utc+25, which is a day away from every place.
-- Called by: the check constraint of organisations; private.check_mentor_rows.

create or replace function private.is_time_zone(p_name text)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select p_name = 'UTC' or (
        p_name ~ '^[A-Z][A-Za-z_]+(/[A-Z][A-Za-z0-9_+-]+)+$'
        and exists (select from pg_timezone_names as z where z.name = p_name)
    )
$$;
comment on function private.is_time_zone is 'True if the name is a time zone of the form Area/City, or UTC.';
revoke execute on function private.is_time_zone from public, anon, authenticated;
grant execute on function private.is_time_zone to service_role;

-- Whether a run with these columns of the execution log can be withdrawn (G5): it is a certification expiry run, no dry run, and
-- it has ended.
-- Called by: private.assert_withdrawable, get_check, preview_withdrawal.

create or replace function private.is_withdrawable(p_job_name text, p_dry_run boolean, p_status text)
returns boolean
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select p_job_name = 'certification_expiry' and not p_dry_run and p_status in ('completed', 'failed')
$$;
comment on function private.is_withdrawable is 'True if a run can be withdrawn.';
revoke execute on function private.is_withdrawable from public, anon, authenticated;

-- Says whether the caller may change a mentor (S3).
-- Called by: update_mentor_status, before it locks the row and again after it; get_mentor_status.

create or replace function private.may_change(p_mentor_id uuid)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select private.caller() in ('job', 'service') or p_mentor_id in (select private.my_mentors(p_mentor_id))
$$;
comment on function private.may_change is
'True if the caller is a job, a service, the mentor, or a responsible coordinator.';
revoke execute on function private.may_change from public, anon, authenticated;

-- Merges two sorted arrays of ids into one, with each id once. width_bucket finds the places of the new ids by
-- halving, and only the old ids between those places are sorted again. So a short array is merged into one with
-- a million ids without comparing all of them. Usually the new ids come after all old ones. The function is
-- plpgsql, which reads a long array from its storage once and not at each use.
-- Called by: private.notify_page.

create or replace function private.merge_ids(p_old uuid [], p_new uuid [])
returns uuid []
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_first constant integer := width_bucket(p_new[1], p_old);
    v_last constant integer := width_bucket(p_new[cardinality(p_new)], p_old);
begin
    if p_old[cardinality(p_old)] < p_new[1] then
        return p_old || p_new;
    end if;
    return p_old[:v_first - 1]
        || array(select distinct ids.id from unnest(p_old[v_first:v_last] || p_new) as ids (id) order by ids.id)
        || p_old[v_last + 1:];
end
$$;
comment on function private.merge_ids is 'The ids of two sorted arrays, sorted, each once; neither array may be empty.';
revoke execute on function private.merge_ids from public, anon, authenticated;

-- Brings one certification in line with its row in the portal (H1). If the portal gives it to another mentor
-- or another day, so does this function. If the portal's row belongs to none of our mentors, it deletes the
-- certification.
-- Called by: mirror_portal_certifications.
-- Locks: the certification; for a moment the mentors, against deletion.
-- Errors: 22023 a value is out of bounds.

create or replace function private.mirror_certification(
    p_mentor_id uuid, p_portal_id text, p_expires_on date, p_modified_on timestamptz, p_job_run_id uuid
)
returns text
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform private.record_portal_change(c.mentor_id) from public.certifications as c where c.portal_id = p_portal_id;
    perform private.record_earlier_day(p_portal_id, p_mentor_id, p_expires_on, p_job_run_id);
    if p_mentor_id is null then
        delete from public.certifications as c where c.portal_id = p_portal_id;
        return 'removed';
    end if;
    perform private.assert_between('length of the portal''s id', coalesce(length(p_portal_id), 0), 1, 200);
    perform private.assert_between('p_expires_on', p_expires_on, date '0001-01-01', date '9999-12-31');
    perform private.record_portal_change(p_mentor_id);
    insert into public.certifications as c (mentor_id, expires_on, portal_id, portal_modified_on, seen_by_run_id) values (
        p_mentor_id,
        p_expires_on,
        p_portal_id,
        least(greatest(p_modified_on, timestamptz '1900-01-01 00:00+00'), timestamptz '2999-12-31 00:00+00'),
        p_job_run_id
    )
    on conflict (portal_id) do update set
        mentor_id = excluded.mentor_id,
        expires_on = excluded.expires_on,
        portal_modified_on = excluded.portal_modified_on,
        seen_by_run_id = excluded.seen_by_run_id;
    return 'recorded';
end
$$;
comment on function private.mirror_certification is
'Brings one certification in line with the portal; returns recorded, or removed if p_mentor_id is null.';
revoke execute on function private.mirror_certification from public, anon, authenticated;

-- Moves a digest and its messages to a later state; an earlier or an equal one changes nothing. A message that has grown
-- since the digest began waits again, with the mentors whom the digest did not cover. An event that names
-- another e-mail than the digest's own changes nothing either.
-- Called by: finish_digest, record_delivery, settle_messages.

create or replace function private.move_digest(
    p_org_id uuid, p_digest_id uuid, p_state text, p_provider_message_id text, p_reason text
)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
declare
    v_order constant text [] := array['sending', 'unknown', 'sent', 'delivered', 'bounced', 'suppressed', 'complained'];
    v_digest public.digests;
begin
    select * into v_digest from public.digests as d where d.id = p_digest_id and d.org_id = p_org_id for update;
    if not found or array_position(v_order, p_state) <= array_position(v_order, v_digest.state)
        or v_digest.provider_message_id <> p_provider_message_id
    then
        return false;
    end if;
    update public.digests as d set
        state = p_state, changed_at = clock_timestamp(),
        provider_message_id = coalesce(d.provider_message_id, p_provider_message_id),
        reason = coalesce(p_reason, d.reason)
    where d.id = p_digest_id;
    update public.messages as m set state = p_state, announced_count = m.sending_count, refusal = null
    where m.digest_id = p_digest_id;
    update public.messages as m set
        state = 'pending', digest_id = null, due_at = clock_timestamp(), expected_at = clock_timestamp()
    where m.digest_id = p_digest_id and cardinality(m.mentor_ids) > m.sending_count;
    return true;
end
$$;
comment on function private.move_digest is 'Moves a digest and its messages to a later state; returns whether it did.';
revoke execute on function private.move_digest from public, anon, authenticated;

-- The organisations that the signed-in person administers (S4). Security definer, so that a policy of
-- org_members can use it without evaluating the policies of org_members again.
-- Called by: policies, once per statement.

create or replace function private.my_admin_orgs()
returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select o.org_id from public.org_members as o
    where o.user_id = private.user_id() and o.role = 'admin'
$$;
comment on function private.my_admin_orgs is 'Organisations that the caller administers.';
revoke execute on function private.my_admin_orgs from public, anon, authenticated;
grant execute on function private.my_admin_orgs to authenticated;

-- The mentors who are assigned to the signed-in person (S4), also in organisations that the person has left.
-- Called by: the policy of peer_mentors, once per statement.

create or replace function private.my_assigned_mentors()
returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select a.mentor_id from public.assignments as a
    where a.coordinator_id = private.user_id() and (a.ended_at is null or a.ended_at > clock_timestamp())
$$;
comment on function private.my_assigned_mentors is 'Mentors who are assigned to the caller at present.';
revoke execute on function private.my_assigned_mentors from public, anon, authenticated;
grant execute on function private.my_assigned_mentors to authenticated;

-- The chapters that the signed-in person coordinates (S4), also in organisations that the person has left.
-- Called by: the policy of peer_mentors, once per statement.

create or replace function private.my_chapters()
returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select cc.chapter_id from public.coordinator_chapters as cc where cc.coordinator_id = private.user_id()
$$;
comment on function private.my_chapters is 'Chapters that the caller coordinates.';
revoke execute on function private.my_chapters from public, anon, authenticated;
grant execute on function private.my_chapters to authenticated;

-- The organisations in which the signed-in person is an administrator or a coordinator (S4).
-- Called by: the policy of peer_mentors, once per statement.

create or replace function private.my_memberships()
returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select o.org_id from public.org_members as o where o.user_id = private.user_id()
$$;
comment on function private.my_memberships is 'Organisations that the caller administers or coordinates for.';
revoke execute on function private.my_memberships from public, anon, authenticated;
grant execute on function private.my_memberships to authenticated;

-- The mentors that the signed-in person is responsible for, and the person's own rows as a mentor (S4). With
-- p_mentor_id it looks at that mentor only.
-- Called by: policies, once per statement; private.may_change.

create or replace function private.my_mentors(p_mentor_id uuid default null)
returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.coordinated_mentors(private.user_id(), p_mentor_id, p_mentor_id)
    union
    select m.id from public.peer_mentors as m
    where m.user_id = private.user_id() and m.id = coalesce(p_mentor_id, m.id)
$$;
comment on function private.my_mentors is
'Mentors that the caller is responsible for, and the caller as a mentor; with p_mentor_id at most that one.';
revoke execute on function private.my_mentors from public, anon, authenticated;
grant execute on function private.my_mentors to authenticated;

-- The mentors of an organisation whom the signed-in person works with (C2): for an administrator all, for a coordinator
-- those of private.coordinated_mentors, for others nobody. The console calls them "mine".
-- Called by: the functions of the console.

create or replace function private.my_org_mentors(p_org_id uuid)
returns setof uuid
language plpgsql
stable
rows 5000
set search_path = pg_catalog, pg_temp
as $$
begin
    if private.my_role(p_org_id) = 'admin' then
        return query select m.id from public.peer_mentors as m where m.org_id = p_org_id;
    else
        return query
        select m.id
        from private.coordinated_mentors(private.user_id()) as mine (id)
        inner join public.peer_mentors as m on m.id = mine.id
        where m.org_id = p_org_id;
    end if;
end
$$;
comment on function private.my_org_mentors is 'The mentors of an organisation whom the caller administers or coordinates.';
revoke execute on function private.my_org_mentors from public, anon, authenticated;

-- The organisations that the signed-in person belongs to (S4). Security definer, so that policies can use it
-- without evaluating the policies of org_members again.
-- Called by: policies, once per statement.

create or replace function private.my_orgs()
returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select o.org_id from public.org_members as o where o.user_id = private.user_id()
    union
    select m.org_id from public.peer_mentors as m where m.user_id = private.user_id()
$$;
comment on function private.my_orgs is 'Organisations that the caller coordinates for, administers or mentors in.';
revoke execute on function private.my_orgs from public, anon, authenticated;
grant execute on function private.my_orgs to authenticated;

-- The ids by which messages name the signed-in person (W3): the user id, and the ids of the person's own rows as a
-- mentor, because a message may be older than the account.
-- Called by: the policy of messages, once per statement; list_my_messages, mark_messages_read.

create or replace function private.my_person_ids()
returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.user_id()
    union
    select m.id from public.peer_mentors as m where m.user_id = private.user_id()
$$;
comment on function private.my_person_ids is 'The caller''s user id, and the ids of the mentors who the caller is.';
revoke execute on function private.my_person_ids from public, anon, authenticated;
grant execute on function private.my_person_ids to authenticated;

-- The role of the signed-in person in an organisation (C1).
-- Called by: get_my_access, private.assert_member, private.my_org_mentors and others.

create or replace function private.my_role(p_org_id uuid)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select o.role from public.org_members as o where o.org_id = p_org_id and o.user_id = private.user_id()
$$;
comment on function private.my_role is 'admin or coordinator; null: the caller is no member of the organisation.';
revoke execute on function private.my_role from public, anon, authenticated;

-- The caller's mentors whom no e-mail reaches, and why (C2, W6), in one pass. Inactive mentors are left out.
-- list_unreachable_mentors gives pages of the same mentors.
-- Called by: get_tonight, list_my_mentors, list_undelivered.

create or replace function private.my_unreachable_mentors(p_org_id uuid)
returns table (mentor_id uuid, why text)
language plpgsql
stable
rows 100
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $$
#variable_conflict use_column
declare
    v_mine constant uuid [] := array(select private.my_org_mentors(p_org_id));
begin
    return query
    with refused as materialized (
        select a.* from private.refused_addresses(p_org_id) as a
    ),

    -- Materialised, because otherwise each address is hashed once for each refused one.
    addressed as materialized (
        select m.id, private.is_address(btrim(k.email)) as has_address, private.hash_address(btrim(k.email)) as address_hash
        from unnest(v_mine) as mine (id)
        inner join public.peer_mentors as m on m.id = mine.id
        left join public.mentor_contacts as k on k.mentor_id = m.id
        where m.status <> 'inactive'
    )

    select x.id, case when x.has_address then a.why else 'no_address' end
    from addressed as x
    left join refused as a on a.address_hash = x.address_hash
    where a.why is not null or x.has_address is not true;
end
$$;
comment on function private.my_unreachable_mentors is 'The caller''s mentors whom no e-mail reaches, and why.';
revoke execute on function private.my_unreachable_mentors from public, anon, authenticated;

-- The newest plan of an organisation that is whole (G4): of the latest day, and of its plans the last one. A run for an
-- earlier day takes no approval away. Dry runs do not count.
-- Called by: approve_plan, explain_mentor, get_plan, get_brake_figures, private.assert_approved, private.held_mentors,
-- private.is_message_true.

create or replace function private.newest_plan(p_org_id uuid)
returns uuid
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select p.job_run_id from public.plans as p
    where p.org_id = p_org_id and p.plan_hash is not null and not p.dry_run
    order by p.as_of desc, p.made_at desc
    limit 1
$$;
comment on function private.newest_plan is 'The run with the newest whole plan; dry runs do not count.';
revoke execute on function private.newest_plan from public, anon, authenticated;

-- Writes the messages about a run's next p_limit mentors after p_after, in id order: to their coordinators (E11), and
-- to the mentors who were paused (W2), or resumed by a withdrawal (G5). With the first page it tells the administrators what
-- the brake has done (private.tell_administrators). It reads the history and the certifications, so a message says what happened.
-- A run either pauses, or resumes, or renews.
--
-- There is one row per person and run. A row that exists grows, waits for delivery again, and created_at is the time
-- of the last addition. Rows come in the order of their persons, so that two calls never wait for each other.
-- Called by: notify_coordinators, notify_coordinators_page, which check the arguments.
-- Locks: the messages of this run, if they grow.

create or replace function private.notify_page(p_job_run_id uuid, p_after uuid, p_limit integer)
returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_last uuid;
begin
    if p_after is null then
        perform private.tell_administrators(p_job_run_id);
    end if;
    with news as (
        -- Each part is cut to the page by itself: an index has its mentors in this order.
        (
            select h.mentor_id, case h.new_status when 'active' then 'resumed' else 'paused' end as kind
            from public.peer_mentor_status_history as h
            where h.job_run_id = p_job_run_id
                and h.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
            order by h.mentor_id
            limit p_limit
        )
        union all
        (
            select distinct c.mentor_id, 'renewed'
            from public.certifications as c
            where c.job_run_id = p_job_run_id
                and c.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
            order by c.mentor_id
            limit p_limit
        )
    ),

    page as materialized (
        select n.mentor_id, min(n.kind) as kind from news as n group by n.mentor_id order by n.mentor_id limit p_limit
    ),

    recipients as (
        select 'coordinator' as audience, c.coordinator_id as person_id, c.mentor_id
        from private.coordinators_of(array(select p.mentor_id from page as p)) as c
        union all
        select 'mentor', coalesce(m.user_id, m.id), m.id
        from page as p inner join public.peer_mentors as m on m.id = p.mentor_id
        where p.kind in ('paused', 'resumed')
    ),

    written as (
        insert into public.messages as n (org_id, audience, person_id, kind, mentor_ids, job_run_id)
        select m.org_id, t.audience, t.person_id, min(p.kind), array_agg(m.id order by m.id), p_job_run_id
        from recipients as t
        inner join page as p on p.mentor_id = t.mentor_id
        inner join public.peer_mentors as m on m.id = t.mentor_id
        where m.org_id in (select orgs.id from public.organisations as orgs where private.acts_for(orgs.id))
        group by m.org_id, t.audience, t.person_id
        order by t.audience, t.person_id
        on conflict (job_run_id, audience, person_id, reminder) where job_run_id is not null do update
            set mentor_ids = private.merge_ids(n.mentor_ids, excluded.mentor_ids),
                -- The answer about the digest that is being sent lets it wait again.
                state = case when n.state = 'sending' then 'sending' else 'pending' end,
                digest_id = case when n.state = 'sending' then n.digest_id end,
                read_at = null, created_at = clock_timestamp(), due_at = clock_timestamp(), expected_at = clock_timestamp()
            where private.merge_ids(n.mentor_ids, excluded.mentor_ids) <> n.mentor_ids
    )

    -- A page that is not full is the last one.
    select p.mentor_id into v_last from page as p order by p.mentor_id offset p_limit - 1;
    return v_last;
end
$$;
comment on function private.notify_page is
'Writes the messages about a run''s next p_limit mentors; returns the last of them, or null if no mentor is left.';
revoke execute on function private.notify_page from public, anon, authenticated;

-- The organisation's present day (E1), which decides whether a certification has expired.
-- Called by: assert_org_scope, begin_execution, update_mentor_status and others.

create or replace function private.org_today(p_org_id uuid)
returns date
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select (statement_timestamp() at time zone o.time_zone)::pg_catalog.date
    from public.organisations as o where o.id = p_org_id
$$;
comment on function private.org_today is 'The present day in the organisation''s time zone.';
revoke execute on function private.org_today from public, anon, authenticated;

-- Checks the arguments of the functions that list mentors. They call it in the limit clause of their single
-- query: PostgreSQL evaluates that clause once and before the first row, also for an empty result.
-- Called by: list_expired_mentors, list_unsynced_mentors.
-- Errors: 42501 not_your_organisation, 22023 an argument is out of bounds.

create or replace function private.page_limit(p_org_id uuid, p_as_of date, p_limit integer)
returns integer
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_date('p_as_of', p_as_of);
    perform private.assert_limit(p_limit);
    return p_limit;
end
$$;
comment on function private.page_limit is 'Returns p_limit; fails if the caller may not list this, or an argument is out of bounds.';
revoke execute on function private.page_limit from public, anon, authenticated;

-- Pauses mentors one after the other, each in a block of its own, so that one mentor's failure undoes nothing
-- else (E5, R1). It stops at p_deadline. An earlier time-out or cancellation stops it too, and the mentors
-- that it has paused stay paused. With p_wait it waits for locked rows until three
-- seconds have passed: one wait that fails, or several short ones.
--
-- result is the outcome of update_mentor_status, the SQLSTATE of its failure (55P03: locked), or left: not
-- tried in time.
-- Called by: run_certification_expiry.
-- Locks: the row of each mentor that it pauses, until the transaction ends.

create or replace function private.pause_each(
    p_job_run_id uuid, p_org_id uuid, p_as_of date, p_mentor_ids uuid [], p_deadline timestamptz, p_wait boolean
)
returns table (mentor_id uuid, result text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_longest constant interval := interval '3 seconds';  -- update_mentor_status's lock_timeout
    v_wait_until timestamptz := case when p_wait then least(clock_timestamp() + v_longest, p_deadline - v_longest) end;
    v_stopped boolean := false;
    v_mentor_id uuid;
    v_result text;
begin
    foreach v_mentor_id in array p_mentor_ids loop
        v_stopped := v_stopped or clock_timestamp() > p_deadline;
        v_result := 'left';
        if not v_stopped then
            begin
                select u.outcome into v_result
                from public.update_mentor_status(
                    v_mentor_id, p_org_id, 'paused', 'certification_expired', p_job_run_id, p_as_of,
                    p_wait => coalesce(clock_timestamp() < v_wait_until, false)
                ) as u;
            exception
                when query_canceled then
                    v_stopped := true;
                    raise warning 'stopped at mentor %: %', v_mentor_id, sqlerrm;
                when others then  -- no mentor's failure may end the loop (E5)
                    v_result := sqlstate;
                    if p_wait or v_result <> '55P03' then
                        raise warning 'mentor % not paused: % %', v_mentor_id, sqlstate, sqlerrm;
                    end if;
            end;
        end if;
        return query select v_mentor_id, v_result;
    end loop;
end
$$;
comment on function private.pause_each is
'Pauses mentors one by one until a deadline; a row per mentor with the outcome, the SQLSTATE, or left.';
revoke execute on function private.pause_each from public, anon, authenticated;

-- The mentors whom the runs of the newest night paused (C2), with redrives and releases.
-- Called by: get_tonight, list_my_mentors.

create or replace function private.paused_tonight(p_org_id uuid)
returns setof uuid
language sql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
    select h.mentor_id
    from public.scheduler_execution_log as l
    inner join public.peer_mentor_status_history as h on h.job_run_id = l.job_run_id and h.new_status = 'paused'
    where l.org_id = p_org_id and l.job_name = 'certification_expiry' and not l.dry_run
        and l.status in ('running', 'completed', 'failed') and l.as_of >= private.due_day(p_org_id)
$$;
comment on function private.paused_tonight is 'The mentors whom the runs of the newest night paused.';
revoke execute on function private.paused_tonight from public, anon, authenticated;

-- The mentors of a plan (G1), in id order, after p_after, at most p_limit (null: all): every active mentor whose latest
-- certification expired on or before p_as_of, and whether the mentor was warned in time.
-- Called by: plan_certification_expiry, make_plan.

create or replace function private.plan_page(p_org_id uuid, p_as_of date, p_after uuid, p_limit integer)
returns table (mentor_id uuid, version integer, expires_on date, why text)
language sql
stable
set search_path = pg_catalog, pg_temp
set enable_hashjoin = 'off'
set enable_mergejoin = 'off'
set enable_seqscan = 'off'
as $$
    with expired as materialized (
        select e.mentor_id, e.expires_on from private.expired_mentors(p_org_id, p_as_of, p_after, p_limit) as e
    )

    select
        w.mentor_id, m.version, greatest(date '0001-01-01', least(w.expires_on, date '9999-12-31')), w.why
    from private.why_planned(
        array(select e.mentor_id from expired as e order by e.mentor_id),
        array(select e.expires_on from expired as e order by e.mentor_id),
        p_as_of
    ) as w
    inner join public.peer_mentors as m on m.id = w.mentor_id
    order by w.mentor_id
$$;
comment on function private.plan_page is 'Active mentors with an expired certification, and whether they were warned in time.';
revoke execute on function private.plan_page from public, anon, authenticated;

-- The rule by which plans are made, and its version; the version changes whenever the rule does (G1).

create or replace function private.plan_rule()
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select 'certification_expiry/1'
$$;
comment on function private.plan_rule is 'The name and the version of the rule by which plans are made.';
revoke execute on function private.plan_rule from public, anon, authenticated;

-- The plan of the nightly job for an organisation and a day, with chapters, before anything is deployed (R6, G1). It is
-- plan_certification_expiry with the organisation's slug, so it agrees with the job. It changes nothing.
-- Called by: an adopter, as the owner (docs/adopting.md).
-- Errors: PT404 no such organisation.

create or replace function private.preview_certification_expiry(p_org_slug text, p_as_of date default null)
returns table (mentor_id uuid, chapter text, expired_on date, as_of date, action text, why text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_org_id constant uuid := (select o.id from public.organisations as o where o.slug = p_org_slug);
    v_as_of constant date := coalesce(p_as_of, private.org_today(v_org_id));
begin
    if v_org_id is null then
        raise exception 'organisation % does not exist', coalesce(quote_literal(p_org_slug), 'null') using errcode = 'PT404',
            detail = 'compare the slug with public.organisations';
    end if;
    return query
    select p.mentor_id, c.name, p.expires_on, v_as_of, p.action, p.why
    from public.plan_certification_expiry(v_org_id, v_as_of) as p
    inner join public.peer_mentors as m on m.id = p.mentor_id
    left join public.chapters as c on c.id = m.chapter_id
    order by p.mentor_id;
end
$$;
comment on function private.preview_certification_expiry is
'Whom the nightly job would pause or hold on p_as_of (today if it is null), with chapter, day of expiry and reason.';
revoke execute on function private.preview_certification_expiry from public, anon, authenticated;

-- Notes that a reading of the portal leaves a mentor with an earlier day of this certification, or without it (G6). It is
-- called before the change. p_mentor_id null: the portal's row belongs to none of our mentors.
-- Called by: private.mirror_certification.

create or replace function private.record_earlier_day(
    p_portal_id text, p_mentor_id uuid, p_expires_on date, p_job_run_id uuid
)
returns void
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into public.certification_changes (mentor_id, portal_id, changed_by, job_run_id, from_expires_on, to_expires_on)
    select
        c.mentor_id, c.portal_id, private.caller(), p_job_run_id, private.clamp_day(c.expires_on),
        case when c.mentor_id = p_mentor_id then private.clamp_day(p_expires_on) end
    from public.certifications as c
    where c.portal_id = p_portal_id
        and (c.mentor_id is distinct from p_mentor_id or p_expires_on is null or c.expires_on > p_expires_on)
$$;
comment on function private.record_earlier_day is
'Notes that a reading of the portal leaves a mentor with an earlier day of a certification, or without it.';
revoke execute on function private.record_earlier_day from public, anon, authenticated;

-- Records until when a mentor was certified, before a reading of the portal changes that for the first time
-- (H1).
-- Called by: private.mirror_certification, remove_portal_certification.

create or replace function private.record_portal_change(p_mentor_id uuid)
returns void
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into private.portal_changes (mentor_id, certified_until)
    select m.id, (select max(c.expires_on) from public.certifications as c where c.mentor_id = m.id)
    from public.peer_mentors as m where m.id = p_mentor_id
    on conflict (mentor_id) do nothing
$$;
comment on function private.record_portal_change is
'Records until when a mentor was certified, before a reading of the portal changes that for the first time.';
revoke execute on function private.record_portal_change from public, anon, authenticated;

-- Raises the same error whether a mentor does not exist or is not the caller's, so that people do not learn
-- whether a mentor exists.
-- Called by: update_mentor_status, get_mentor_status.
-- Errors: PT403 not_yours; for jobs and services PT404 mentor_not_found.

create or replace function private.refuse_mentor()
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if private.caller() not in ('job', 'service') then
        raise exception 'not your mentor' using errcode = 'PT403', hint = 'not_yours',
            detail = 'the caller is neither this mentor nor their coordinator';
    end if;
    raise exception 'mentor not found' using errcode = 'PT404', hint = 'mentor_not_found',
        detail = 'no such mentor in this organisation';
end
$$;
comment on function private.refuse_mentor is
'Always fails: PT403 for people, also if there is no such mentor; PT404 for jobs and services.';
revoke execute on function private.refuse_mentor from public, anon, authenticated;

-- The addresses of an organisation to which an e-mail would not arrive (W6), by the organisation's own digests. The rule is that
-- of private.why_unreachable, for all addresses at once; a test compares them.
-- It begins with the few digests that did not arrive, which have an index of their own.
-- Called by: private.my_unreachable_mentors.

create or replace function private.refused_addresses(p_org_id uuid)
returns table (address_hash text, why text)
language sql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
    select refused.address_hash, case when last.is_final then last.state else 'bounced_for_now' end
    from (
        select distinct d.address_hash from public.digests as d
        where d.org_id = p_org_id and d.state in ('bounced', 'complained', 'suppressed')
    ) as refused
    cross join lateral (
        select d.state, f.is_final
        from public.digests as d
        cross join lateral (
            select d.state in ('complained', 'suppressed') or (
                d.state = 'bounced' and coalesce(d.reason not in ('Transient', 'Undetermined', 'Reject'), true)
            )
        ) as f (is_final)
        where d.org_id = p_org_id and d.address_hash = refused.address_hash and d.state <> 'sending'
        order by f.is_final desc, d.began_at desc
        limit 1
    ) as last
    where last.is_final or last.state = 'bounced'
$$;
comment on function private.refused_addresses is 'The hashes of the addresses to which an e-mail would not arrive, and why.';
revoke execute on function private.refused_addresses from public, anon, authenticated;

-- Makes the next sync run read the portal from the beginning, and send this mentor's status again (H1). The
-- reading skips certifications whose mentor we do not have. So when a mentor is entered, or gets another key,
-- the sync has to read them again; certifications that are already stored cost almost nothing. And under
-- another key the portal does not have the mentor's status yet.
-- Called by: the trigger restart_portal_reading of peer_mentors.
-- Locks: the organisation's watermark, the mentor's row of the sync state.

create or replace function private.restart_portal_reading()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from public.portal_watermarks as w where w.org_id = new.org_id;
    delete from public.portal_sync_state as s where s.mentor_id = new.id;
    return null;
end
$$;
comment on function private.restart_portal_reading is
'Makes the next sync run read all certifications of the portal, and send this mentor''s status again.';
revoke execute on function private.restart_portal_reading from public, anon, authenticated;

-- Keeps the execution log append-only (S6), except for these changes of a row:
--
--   * a running row gets its end, once
--   * a run that never began begins: its row said failed and has no counts, because a refused redrive is
--     delivered again (D4)
--   * a late change corrects the counts of a run that has ended (D4): the count of the job's effect grows,
--     error_count shrinks by as much, and the text gets an addition
--
-- Called by: the trigger restrict_log_updates of scheduler_execution_log.

create or replace function private.restrict_log_updates()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_begin constant text [] := array[
        'status', 'finished_at', 'error', 'as_of', 'plan_of', 'plan_hash', 'approved_by', 'approved_at', 'approval_note',
        'withdraws'
    ];
    v_end constant text [] := array[
        'status', 'finished_at', 'error', 'processed_count', 'paused_count', 'skipped_count', 'error_count',
        'synced_count', 'renewed_count', 'resumed_count', 'unforeseen_count', 'held_count', 'plan_hash'
    ];
    v_effect constant text := case new.job_name
        when 'certification_expiry' then 'paused_count' when 'hlf_sync' then 'synced_count'
        when 'withdrawal' then 'resumed_count'
    end;
    v_old constant jsonb := to_jsonb(old);
    v_new constant jsonb := to_jsonb(new);
    v_more constant integer := coalesce((v_new ->> v_effect)::integer, 0) - coalesce((v_old ->> v_effect)::integer, 0);
begin
    if old.status = 'running' and new.status in ('completed', 'failed') and v_old - v_end = v_new - v_end then
        return new;
    elsif old.status = 'failed' and old.processed_count is null and new.status = 'running'
        and v_old - v_begin = v_new - v_begin
    then
        return new;
    elsif old.status in ('completed', 'failed') and v_more > 0
        and new.error_count = old.error_count - v_more and new.error_count >= 0
        and starts_with(coalesce(new.error, ''), coalesce(old.error, ''))
        and v_old - array['error_count', 'error', v_effect] = v_new - array['error_count', 'error', v_effect]
    then
        return new;
    end if;
    raise exception '% is append-only', tg_table_name using errcode = '42501',
        detail = 'only the end of a running row, and corrections of its counts and error by late changes, are allowed';
end
$$;
comment on function private.restrict_log_updates is
'Allows a row of the log to begin, to end, or to get its errors corrected; refuses every other change.';
revoke execute on function private.restrict_log_updates from public, anon, authenticated;

-- The organisation of a run, for functions that take a run's id. Fails if the caller does not act for it
-- (R5).
-- Called by: finish_execution, notify_coordinators_page, report_late_changes and others.
-- Errors: 42501 not_your_organisation.

create or replace function private.run_org(p_job_run_id uuid)
returns uuid
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_org_id uuid;
begin
    select l.org_id into v_org_id from public.scheduler_execution_log as l
    where l.job_run_id = p_job_run_id and l.status in ('running', 'completed', 'failed');
    if found then
        perform private.assert_job_org(v_org_id);
    end if;
    return v_org_id;
end
$$;
comment on function private.run_org is
'The organisation of a run; fails if the caller does not act for it; null if the run has no row or no organisation.';
revoke execute on function private.run_org from public, anon, authenticated;

-- Whether a person may see a mentor (S4): the mentor, a responsible coordinator, or an administrator of the organisation.
-- Called by: explain_mentor, list_plan, for the signed-in person or for the person whose token the HTTP entry has verified.

create or replace function private.sees_mentor(p_user_id uuid, p_mentor_id uuid, p_org_id uuid)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from public.peer_mentors as m
        where m.id = p_mentor_id and m.org_id = p_org_id and (
            m.user_id = p_user_id
            or m.id in (select private.coordinated_mentors(p_user_id, m.id, m.id))
            or exists (
                select from public.org_members as o
                where o.org_id = m.org_id and o.user_id = p_user_id and o.role = 'admin'
            )
        )
    )
$$;
comment on function private.sees_mentor is 'True if the person is the mentor, a responsible coordinator, or an administrator.';
revoke execute on function private.sees_mentor from public, anon, authenticated;

-- The rows of the execution log as a member sees them in the console (C4), newest first. by says who asked for the run without
-- naming anybody: schedule, event, you, person or operator. A coordinator sees the checks and the withdrawals alone, and no
-- text of an error, because that is for people who operate the service.
-- Called by: list_checks, get_check, preview_withdrawal.

create or replace function private.shown_checks(
    p_org_id uuid, p_job_run_id uuid, p_before bigint, p_limit integer
)
returns table (
    id bigint,
    job_run_id uuid,
    job_name text,
    status text,
    trigger text,
    by text,
    as_of date,
    dry_run boolean,
    started_at timestamptz,
    finished_at timestamptz,
    processed_count integer,
    paused_count integer,
    resumed_count integer,
    synced_count integer,
    skipped_count integer,
    error_count integer,
    unforeseen_count integer,
    held_count integer,
    renewed_count integer,
    redrive_of uuid,
    plan_of uuid,
    withdraws uuid,
    error text
)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select
        l.id, l.job_run_id, l.job_name, l.status, l.trigger,
        case
            when l.trigger in ('schedule', 'event') then l.trigger
            when l.triggered_by = 'user ' || private.user_id() then 'you'
            when l.triggered_by like 'user %' then 'person'
            else 'operator'
        end,
        l.as_of, l.dry_run, l.started_at, l.finished_at, l.processed_count, l.paused_count, l.resumed_count, l.synced_count,
        l.skipped_count, l.error_count, l.unforeseen_count, l.held_count, l.renewed_count, l.redrive_of, l.plan_of,
        l.withdraws, case when mine.role = 'admin' then l.error end
    from public.scheduler_execution_log as l
    cross join (select private.my_role(p_org_id)) as mine (role)
    where l.org_id = p_org_id and (p_job_run_id is null or l.job_run_id = p_job_run_id)
        and l.id < coalesce(p_before, 9223372036854775807)
        and (mine.role = 'admin' or mine.role is not null and l.job_name in ('certification_expiry', 'withdrawal'))
    -- With p_job_run_id: the row with the run's course comes before its duplicate and refused rows.
    order by p_job_run_id is not null and l.status in ('running', 'completed', 'failed') desc, l.id desc
    limit p_limit
$$;
comment on function private.shown_checks is 'Rows of the execution log as the caller sees them, newest first.';
revoke execute on function private.shown_checks from public, anon, authenticated;

-- The caller's mentors as the console lists them (C2), with the next step of each:
--
--   will_be_paused     active and expired: the next run pauses the mentor
--   held               active and expired, and the newest plan holds the mentor (G3)
--   renew_soon         active, and expires within 30 days
--   no_certification   active, and has none
--   set_active         paused, but the certification is valid
--   renew_first        paused, and the certification has expired or there is none
--   none               nothing is to be done
--
-- The plan is made anew for each call: a coordinator of three mentors and an administrator of 100,000 need different ones.
-- Called by: get_tonight, list_my_mentors.

create or replace function private.shown_mentors(
    p_org_id uuid
)
returns table (
    mentor_id uuid, display_name text, status text, version integer, portal_key text, expires_on date, next_step text
)
language plpgsql
stable
rows 5000
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $$
#variable_conflict use_column
declare
    v_today constant date := private.org_today(p_org_id);
    v_held constant uuid [] := array(select h.mentor_id from private.held_mentors(p_org_id) as h);
    v_mine constant uuid [] := array(select private.my_org_mentors(p_org_id));
begin
    return query
    select
        r.id, r.display_name, r.status, r.version, r.portal_key, r.expires_on,
        case
            when r.status = 'active' and r.expires_on is null then 'no_certification'
            when r.status = 'active' and r.expires_on <= v_today
                then case when r.id = any(v_held) then 'held' else 'will_be_paused' end
            when r.status = 'active' and r.expires_on <= v_today + 30 then 'renew_soon'
            when r.status = 'paused' and r.expires_on > v_today then 'set_active'
            when r.status = 'paused' then 'renew_first'
            else 'none'
        end
    from (
        select
            m.id, k.display_name, m.status, m.version, m.portal_key, c.expires_on
        from unnest(v_mine) as mine (id)
        inner join public.peer_mentors as m on m.id = mine.id
        left join public.mentor_contacts as k on k.mentor_id = m.id
        left join (
            select x.mentor_id, max(x.expires_on) as expires_on
            from public.certifications as x where x.mentor_id = any(v_mine) group by x.mentor_id
        ) as c on c.mentor_id = m.id
    ) as r;
end
$$;
comment on function private.shown_mentors is 'The caller''s mentors with their names, their latest expiry dates and their next steps.';
revoke execute on function private.shown_mentors from public, anon, authenticated;

-- The name of who triggered or approved a run, for people who may not see the names of others (S4): "a person". Names of
-- what is not a person stay.
-- Called by: explain_mentor, get_plan.

create or replace function private.shown_name(p_name text, p_sees_names boolean)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select case when p_sees_names or p_name ~ '^(schedule|event, |database, |machine$)' then p_name else 'a person' end
    where p_name is not null
$$;
comment on function private.shown_name is 'A name in the execution log, or "a person" for those who may not see it.';
revoke execute on function private.shown_name from public, anon, authenticated;

-- The state machine (S1): from which states a mentor may reach a state, for people, jobs and services.
-- Called by: update_mentor_status.

create or replace function private.states_before(p_status text)
returns text []
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when p_status = 'paused' then array['active']
        when p_status = 'inactive' then array['active', 'paused']
        when private.caller() in ('person', 'job') then array['paused']
        else array['paused', 'inactive']
    end
$$;
comment on function private.states_before is
'The state machine: the states from which the caller may move a mentor to p_status.';
revoke execute on function private.states_before from public, anon, authenticated;

-- Suggests how a mapping converts a column. A plain cast of a moment to a day would depend on the session's
-- time zone, and end a certification a day too early.
-- Called by: private.check_tables.

create or replace function private.suggest_conversion(p_from text, p_to text)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when p_to = 'uuid' then 'give each row a uuid in a new column'
        when p_to = 'date' and p_from = 'timestamp with time zone'
            then '((YOURS - interval ''1 microsecond'') at time zone ''Europe/Oslo'')::date + 1'
        when p_to = 'date' and p_from = 'timestamp without time zone' then '(YOURS - interval ''1 microsecond'')::date + 1'
        when p_to = 'date' then 'to_date(YOURS, ''DD.MM.YYYY'') + 1, by the format of your days'
        when p_to = 'timestamp with time zone' and p_from = 'date' then '(YOURS + 1)::timestamp at time zone ''Europe/Oslo'''
        when p_to = 'timestamp with time zone' and p_from = 'boolean' then 'null::timestamptz, and leave the ended rows out'
        when p_to = 'timestamp with time zone' then 'YOURS at time zone ''Europe/Oslo'''
        else format('YOURS::%s', p_to)
    end
$$;
comment on function private.suggest_conversion is 'How a mapping converts a column YOURS of one type into another type.';
revoke execute on function private.suggest_conversion from public, anon, authenticated;

-- The reasons why mentors were not paused, grouped, in the words that the Lambdas use: the number of errors,
-- then each reason with its number and an example, the largest group first (E7). It names twenty reasons and
-- counts the rest.
-- Called by: run_certification_expiry, with the results of private.pause_each by mentor.

create or replace function private.summarise_errors(p_results jsonb)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    with reasons as (
        select
            case r.value
                when '55P03' then 'locked by another transaction'
                when 'left' then 'left for the next call, because time was up'
                else 'failed with SQLSTATE ' || r.value
            end as reason,
            count(*) as number,
            min(r.key) as example
        from jsonb_each_text(p_results) as r
        where r.value not in ('changed', 'replayed', 'not_active', 'not_expired', 'held', 'changed_since')
        group by 1
    ),

    ranked as (
        select reasons.*, row_number() over (order by reasons.number desc, reasons.reason) as place from reasons
    )

    select
        format('%s error%s: ', sum(ranked.number), case when sum(ranked.number) > 1 then 's' end)
        || string_agg(
            format('%s %s, such as mentor %s', ranked.number, ranked.reason, ranked.example), '; ' order by ranked.place
        ) filter (where ranked.place <= 20)
        || case
            when count(*) > 20
                then format(
                    '; and %s more kinds (%s mentors)', count(*) - 20,
                    sum(ranked.number) filter (where ranked.place > 20)
                )
            else ''
        end
    from ranked
$$;
comment on function private.summarise_errors is 'The reasons why mentors were not paused, grouped; null if there are none.';
revoke execute on function private.summarise_errors from public, anon, authenticated;

-- Begins the next e-mail to one person, with the messages that wait and still hold. Messages about the brake go at once, in
-- an e-mail of their own; all other messages go together in the digest of the day. It returns false, and says in the messages
-- when to try again, if there is nothing to send to the person now:
--
--   * the person got a digest today: tomorrow at 06:00, or with the next night's message
--   * it is before 06:00, and no message is of today: at 06:00, so that an old message does not use up the day before
--     the night's run
--   * no message holds any more: never (outdated)
--   * the person has no address, or an address that does not work: in a day (no_address, with the reason)
--
-- Called by: begin_digest.

create or replace function private.take_messages(p_org_id uuid, p_person_id uuid, p_digest_id uuid)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
declare
    v_now constant timestamptz := clock_timestamp();
    v_today constant date := private.org_today(p_org_id);
    v_zone constant text := (select o.time_zone from public.organisations as o where o.id = p_org_id);
    v_midnight constant timestamptz := v_today::timestamp at time zone v_zone;
    v_morning constant timestamptz := (v_today + time '06:00') at time zone v_zone;
    v_tomorrow constant timestamptz := (v_today + 1 + time '06:00') at time zone v_zone;
    v_urgent bigint [];
    v_ids bigint [];
    v_later timestamptz;
    v_email text;
    v_why text;
begin
    select
        array_agg(m.id) filter (where m.kind in ('held', 'unforeseen') and m.due_at <= v_now),
        array_agg(m.id) filter (where m.kind not in ('held', 'unforeseen'))
    into v_urgent, v_ids
    from public.messages as m
    where m.org_id = p_org_id and m.person_id = p_person_id and m.state in ('pending', 'no_address');
    if v_urgent is not null then
        v_ids := v_urgent;
    elsif exists (
        select from public.digests as d
        where d.org_id = p_org_id and d.person_id = p_person_id and d.day = v_today and not d.is_urgent
    ) then
        v_later := v_tomorrow;
    elsif v_now < v_morning and not exists (
        select from public.messages as m where m.id = any(v_ids) and m.created_at >= v_midnight
    ) then
        v_later := v_morning;
    end if;
    if v_later is not null then
        update public.messages as m set due_at = v_later, expected_at = v_later
        where m.id = any(v_ids) and m.due_at <= v_now;
        return false;
    end if;

    update public.messages as m set state = 'outdated'
    where m.id = any(v_ids) and not private.is_message_true(m.id, v_today);
    select c.email into v_email from private.contact_of(p_org_id, p_person_id) as c;
    v_why := private.why_unreachable(p_org_id, v_email);
    if v_why is not null and v_why <> 'bounced_for_now' then
        update public.messages as m set
            state = 'no_address', refusal = nullif(v_why, 'no_address'), due_at = v_now + interval '1 day'
        where m.id = any(v_ids) and m.state in ('pending', 'no_address');
        return false;
    end if;

    perform from public.messages as m where m.id = any(v_ids) and m.state in ('pending', 'no_address');
    if not found then
        return false;
    end if;
    insert into public.digests (id, org_id, person_id, day, state, address_hash, is_urgent)
    values (
        p_digest_id, p_org_id, p_person_id, v_today, 'sending', private.hash_address(v_email), v_urgent is not null
    );
    update public.messages as m set
        state = 'sending', digest_id = p_digest_id, sending_count = cardinality(m.mentor_ids)
    where m.id = any(v_ids) and m.state in ('pending', 'no_address');
    return true;
end
$$;
comment on function private.take_messages is
'Begins the next e-mail to a person; false: there is nothing to send to the person now.';
revoke execute on function private.take_messages from public, anon, authenticated;

-- Tells the administrators what the brake has done with a run's plan (G2, G3), if it acted: at once; and for held mentors
-- again after 4 and 12 hours. A reminder that no longer holds is not sent (private.is_message_true).
-- Called by: private.notify_page, when a run completes. Repeated calls change nothing.

create or replace function private.tell_administrators(p_job_run_id uuid)
returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
    with acted as (
        select p.*, case when p.held_count > 0 then 'held' else 'unforeseen' end as kind
        from public.plans as p
        where p.job_run_id = p_job_run_id and p.brake_acts and not p.dry_run
            and p.org_id in (select o.id from public.organisations as o where private.acts_for(o.id))
    )

    insert into public.messages (org_id, audience, person_id, kind, mentor_ids, job_run_id, reminder, due_at, expected_at)
    select
        a.org_id, 'admin', o.user_id, a.kind, unforeseen.mentor_ids, a.job_run_id, r.reminder,
        clock_timestamp() + r.after, clock_timestamp() + r.after
    from acted as a
    inner join public.org_members as o on o.org_id = a.org_id and o.role = 'admin'
    cross join lateral (
        select array_agg(e.mentor_id order by e.mentor_id) as mentor_ids
        from public.plan_mentors as e where e.job_run_id = a.job_run_id and e.why <> 'forewarned'
    ) as unforeseen
    cross join (values (0, interval '0'), (1, interval '4 hours'), (2, interval '12 hours')) as r (reminder, after)
    where r.reminder = 0 or a.kind = 'held'
    order by o.user_id, r.reminder
    on conflict do nothing
$$;
comment on function private.tell_administrators is 'Writes the messages to the administrators about what the brake has done.';
revoke execute on function private.tell_administrators from public, anon, authenticated;

-- The user id of the signed-in person, from the claims of their token. Claims count only for the roles that
-- PostgREST switches to (S4), because a role that logs in directly can set any claims.
-- Called by: policies and functions, once per statement.

create or replace function private.user_id()
returns uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select case when private.caller() = 'person' then auth.uid() end
$$;
comment on function private.user_id is 'The user id of the signed-in person; null for jobs, services and every other role.';
revoke execute on function private.user_id from public, anon, authenticated;
grant execute on function private.user_id to authenticated;

-- Which of some mentors will still be paused as they were warned: active, not renewed, and their date has not come.
-- Called by: private.is_message_true, private.digest_content.

create or replace function private.warned_mentors(p_mentor_ids uuid [], p_today date)
returns table (mentor_id uuid, expires_on date)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select latest.id, latest.expires_on
    from (
        select m.id, (select max(c.expires_on) from public.certifications as c where c.mentor_id = m.id) as expires_on
        from unnest(p_mentor_ids) as ids (id)
        inner join public.peer_mentors as m on m.id = ids.id
        where m.status = 'active'
    ) as latest
    where latest.expires_on > p_today
        and exists (select from public.warnings as w where w.mentor_id = latest.id and w.expires_on = latest.expires_on)
$$;
comment on function private.warned_mentors is 'The mentors whose warning still holds, with the day on which they are paused.';
revoke execute on function private.warned_mentors from public, anon, authenticated;

-- How many days before a certification expires an organisation warns (W1).
-- Called by: private.due_warnings.

create or replace function private.warning_days(p_org_id uuid)
returns integer []
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce((select s.warning_days from public.organisation_settings as s where s.org_id = p_org_id), '{90,30,14,7}')
$$;
comment on function private.warning_days is 'The organisation''s stages of warning, in days; the default if it has no settings.';
revoke execute on function private.warning_days from public, anon, authenticated;

-- Whether a withdrawal of a run may resume a mentor (G5). Null: it may.
--
--   changed_since   the pause by that run is not the mentor's last change
--   still_expired   the mentor has no certification that is valid on p_today
--
-- Called by: private.withdrawal_outcome, preview_withdrawal.

create or replace function private.why_not_resumed(p_withdrawn uuid, p_mentor_id uuid, p_status text, p_expires_on date, p_today date)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
    select case
        when p_status <> 'paused' or p_withdrawn is distinct from (
            select h.job_run_id from public.peer_mentor_status_history as h
            where h.mentor_id = p_mentor_id order by h.id desc limit 1
        ) then 'changed_since'
        when p_expires_on is null or p_expires_on <= p_today then 'still_expired'
    end
$$;
comment on function private.why_not_resumed is 'changed_since or still_expired if the withdrawal of a run may not resume the mentor; null if it may.';
revoke execute on function private.why_not_resumed from public, anon, authenticated;

-- Says of mentors and their expiry dates whether the mentor was warned of that same date early enough (G2): forewarned, or
-- why the pause is unforeseen. A warning does not count if the portal has taken back a later date since: the mentor had been
-- renewed, and knows nothing of the old date. It takes arrays, because a plan asks about thousands.
-- Called by: private.plan_page, private.brake_outcome, explain_mentor.

create or replace function private.why_planned(p_mentor_ids uuid [], p_expires_ons date [], p_as_of date)
returns table (mentor_id uuid, expires_on date, why text)
language sql
stable
set search_path = pg_catalog, pg_temp
set enable_hashjoin = 'off'
set enable_mergejoin = 'off'
set enable_seqscan = 'off'
as $$
    select
        asked.mentor_id, asked.expires_on,
        case
            when same.warned_on <= p_as_of - private.forewarned_days() then 'forewarned'
            when same.warned_on is not null then 'warned_late'
            when exists (select from public.warnings as w where w.mentor_id = asked.mentor_id) then 'warned_of_another_date'
            else 'never_warned'
        end
    from unnest(p_mentor_ids, p_expires_ons) as asked (mentor_id, expires_on)
    left join lateral (
        select min(w.warned_on) as warned_on
        from public.warnings as w
        where w.mentor_id = asked.mentor_id and w.expires_on = asked.expires_on
            and not exists (
                select from public.certification_changes as c
                where c.mentor_id = w.mentor_id and c.from_expires_on > w.expires_on and c.changed_at >= w.created_at
            )
    ) as same on true
$$;
comment on function private.why_planned is
'forewarned, or why a mentor''s pause is unforeseen: warned_late, warned_of_another_date, never_warned.';
revoke execute on function private.why_planned from public, anon, authenticated;

-- Why an e-mail to an address would not arrive (W6), by the organisation's own digests. After a bounce for good, a
-- complaint or a suppression nothing is sent there until the person has another address, also if a later digest left
-- before SES said so. A bounce that SES calls Transient or Undetermined, such as a full mailbox, and a rejected e-mail say
-- that the last message did not arrive, but the next one is tried.
--
-- It computes the hash once and reads an index. Sequential scans are off, because a session may have planned the query
-- while the table was empty; it keeps that plan until the table is analysed.
-- Called by: private.take_messages, private.digest_content, list_unreachable_mentors.

create or replace function private.why_unreachable(p_org_id uuid, p_email text)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
declare
    v_hash text;
begin
    if not private.is_address(btrim(p_email)) then
        return 'no_address';
    end if;
    v_hash := private.hash_address(btrim(p_email));
    return (
        select case when last.is_final then last.state when last.state = 'bounced' then 'bounced_for_now' end
        from (
            select
                d.state,
                d.state in ('complained', 'suppressed') or (
                    d.state = 'bounced' and coalesce(d.reason not in ('Transient', 'Undetermined', 'Reject'), true)
                ) as is_final
            from public.digests as d
            where d.org_id = p_org_id and d.address_hash = v_hash and d.state <> 'sending'
            order by is_final desc, d.began_at desc
            limit 1
        ) as last
    );
end
$$;
comment on function private.why_unreachable is
'no_address, bounced, bounced_for_now, complained or suppressed; null: nothing speaks against sending to the address.';
revoke execute on function private.why_unreachable from public, anon, authenticated;

-- Whether a withdrawal may resume a mentor, under the mentor's lock (G5): what private.why_not_resumed says of the withdrawn
-- run today. Null: it may.
-- Called by: update_mentor_status, list_run_outcomes.
-- Errors: PT403 the run is not a withdrawal in progress.

create or replace function private.withdrawal_outcome(
    p_org_id uuid, p_job_run_id uuid, p_mentor_id uuid, p_status text, p_expires_on date, p_dry_run boolean
)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
declare
    v_withdrawn uuid;
begin
    select l.withdraws into v_withdrawn from public.scheduler_execution_log as l
    where l.job_run_id = p_job_run_id and l.org_id = p_org_id and l.status in ('running', 'completed', 'failed')
        and l.job_name = 'withdrawal' and (p_dry_run or not l.dry_run);
    if v_withdrawn is null then
        raise exception 'reserved for the job' using errcode = 'PT403', hint = 'reserved_for_the_job',
            detail = 'pause_withdrawn is for runs of the job withdrawal';
    end if;
    return private.why_not_resumed(v_withdrawn, p_mentor_id, p_status, p_expires_on, private.org_today(p_org_id));
end
$$;
comment on function private.withdrawal_outcome is
'changed_since or still_expired if a withdrawal may not resume the mentor; null if it may.';
revoke execute on function private.withdrawal_outcome from public, anon, authenticated;

-- Organisations. People see the organisations that they belong to (S4).

create table public.organisations (
    id uuid primary key default gen_random_uuid(),
    slug text not null unique check (slug ~ '^[a-z][a-z0-9-]{1,62}$'),
    time_zone text not null default 'Europe/Oslo' check (private.is_time_zone(time_zone))
);
comment on table public.organisations is 'A mentoring organisation. Its time zone decides the present day.';

create trigger grant_first_organisation after insert on public.organisations
for each statement execute function private.grant_first_organisation();

alter table public.organisations enable row level security;
create policy own_organisations on public.organisations for select to authenticated
using (id in (select private.my_orgs()));

revoke all on public.organisations from anon, authenticated, service_role;
grant select, insert, update, delete on public.organisations to service_role;
grant select on public.organisations to authenticated;

-- The chapters of organisations. People see the chapters of their own organisations (S4).

create table public.chapters (
    id uuid primary key default gen_random_uuid(),
    org_id uuid not null references public.organisations (id),
    name text not null
);
comment on table public.chapters is 'A local chapter of an organisation.';
create index chapters_org_id_idx on public.chapters (org_id);

alter table public.chapters enable row level security;
create policy chapters_of_own_organisations on public.chapters for select to authenticated
using (org_id in (select private.my_orgs()));

revoke all on public.chapters from anon, authenticated, service_role;
grant select, insert, update, delete on public.chapters to service_role;
grant select on public.chapters to authenticated;

-- The people who act for an organisation. A person is a user id of the identity provider (auth.users on Supabase);
-- this table holds no names. People see their own membership; an administrator sees all members (S4).

create table public.org_members (
    org_id uuid not null references public.organisations (id),
    user_id uuid not null,
    role text not null check (role in ('admin', 'coordinator')),
    primary key (org_id, user_id)
);
comment on table public.org_members is 'The administrators and coordinators of an organisation.';
create index org_members_user_id_idx on public.org_members (user_id);

alter table public.org_members enable row level security;
create policy own_membership_or_as_admin on public.org_members for select to authenticated
using (user_id = (select private.user_id()) or org_id in (select private.my_admin_orgs()));

revoke all on public.org_members from anon, authenticated, service_role;
grant select, insert, update, delete on public.org_members to service_role;
grant select on public.org_members to authenticated;

-- Peer mentors. A mentor is visible to themself, to the coordinators responsible for them, and to the administrators
-- of their organisation (S4).

create table public.peer_mentors (
    id uuid primary key default gen_random_uuid(),
    org_id uuid not null references public.organisations (id),
    chapter_id uuid references public.chapters (id),
    user_id uuid,
    portal_key text check (portal_key <> ''),
    status text not null default 'active' check (status in ('active', 'paused', 'inactive')),
    version integer not null default 1,
    status_changed_at timestamptz not null default now()
);
comment on table public.peer_mentors is
'A peer mentor. Only public.update_mentor_status changes status and version.';
comment on column public.peer_mentors.version is 'Each change of status raises it by one (optimistic locking).';
comment on column public.peer_mentors.portal_key is 'The mentor''s key in HLF''s portal; null: the portal uses the id.';

-- The nightly keyset pages: active mentors of one organisation in id order.
create index peer_mentors_active_idx on public.peer_mentors (org_id, id) where status = 'active';
-- The keyset pages of the portal sync, without the table.
create index peer_mentors_org_id_idx on public.peer_mentors (org_id, id) include (version);
-- The keyset pages of a coordinator: each chapter's mentors in id order, without the table.
create index peer_mentors_chapter_id_idx on public.peer_mentors (chapter_id, id) include (org_id);
create index peer_mentors_user_id_idx on public.peer_mentors (user_id);
-- Two mentors may not have portal keys that differ only in case (H1).
create unique index peer_mentors_portal_key_idx
on public.peer_mentors (org_id, private.fold_key(coalesce(portal_key, id::text)));

create trigger restart_portal_reading after insert or update of portal_key, org_id on public.peer_mentors
for each row execute function private.restart_portal_reading();

alter table public.peer_mentors enable row level security;
-- The rule of private.coordinated_mentors, by columns. For a coordinator by chapter PostgreSQL hashes the chapters, and
-- not their mentors. It lists the assigned mentors only if a row has not passed before.
create policy seen_by_those_concerned on public.peer_mentors for select to authenticated
using (
    org_id in (select private.my_admin_orgs())
    or user_id = (select private.user_id())
    or (
        org_id in (select private.my_memberships())
        and (chapter_id in (select private.my_chapters()) or id in (select private.my_assigned_mentors()))
    )
);

-- The app's back end enters a mentor with a first status. Afterwards only update_mentor_status changes status and
-- version (E2). A mentor is not deleted and entered again with another status: a mentor who leaves becomes inactive.
revoke all on public.peer_mentors from anon, authenticated, service_role;
grant
select, insert (id, org_id, chapter_id, user_id, portal_key, status), update (chapter_id, user_id, portal_key)
on public.peer_mentors to service_role;
grant select on public.peer_mentors to authenticated;

-- The e-mails to people (W3, W4). A person gets one digest on a day of the organisation; it covers the messages that waited
-- for that person. A message about the brake (G2, G3) does not wait for it: an urgent e-mail tells the administrators at
-- once. Administrators see the digests of their organisation (S4).
--
--              begin_digest           finish_digest             SES's events
--   (messages) ------------> sending ---------------> sent -----------------> delivered -> complained
--                               |                       |                       bounced
--                               | refused: deleted,     |                       suppressed
--                               | the messages wait     |
--                               |                       |
--                               +---- no answer ----> unknown: an event of SES decides; it is not sent again
--
-- SES has no idempotency key. So a digest whose answer was lost is not sent again: the person may have it.

create table public.digests (
    id uuid primary key,
    org_id uuid not null references public.organisations (id),
    person_id uuid not null,
    day date not null,
    state text not null check (
        state in ('sending', 'sent', 'delivered', 'bounced', 'complained', 'suppressed', 'unknown')
    ),
    address_hash text not null,
    provider_message_id text,
    reason text,
    began_at timestamptz not null default clock_timestamp(),
    changed_at timestamptz not null default clock_timestamp(),
    is_urgent boolean not null default false
);
comment on table public.digests is 'The e-mails to people, and how far each has come.';
comment on column public.digests.id is 'The notifier chooses it, so that it can repeat a call whose answer was lost.';
comment on column public.digests.person_id is 'The person, as in messages.';
comment on column public.digests.address_hash is
'SHA-256 of the address in lower case: says whether a later address is the same, and holds no address.';
comment on column public.digests.reason is 'Why it bounced or was refused, as SES names it.';

comment on column public.digests.is_urgent is 'It tells an administrator what the brake has done.';

-- One digest for a person and day.
create unique index digests_person_day_idx on public.digests (org_id, person_id, day) where not is_urgent;
-- The digests to an address decide whether the address works.
create index digests_address_hash_idx on public.digests (org_id, address_hash);
create index digests_changed_idx on public.digests (org_id, changed_at);
create index digests_sending_idx on public.digests (org_id, began_at) where state = 'sending';
-- The addresses that refuse e-mails.
create index digests_refused_idx on public.digests (org_id, address_hash)
where state in ('bounced', 'complained', 'suppressed');

alter table public.digests enable row level security;
create policy seen_by_admins on public.digests for select to authenticated
using (org_id in (select private.my_admin_orgs()));

revoke all on public.digests from anon, authenticated, service_role;
grant select on public.digests to service_role;
grant select on public.digests to authenticated;

-- The plan of a certification expiry run (G1, G2): which mentors it pauses, and which ones it holds. make_plan writes it
-- when the run begins, in batches; plan_hash is null until it is whole. A dry run has a plan too. Administrators see the
-- plans of their organisation (S4).
--
-- A plan lapses when the next real run for this day or a later one makes one: only the newest plan can be approved (G4).

create table public.plans (
    job_run_id uuid primary key,
    org_id uuid not null references public.organisations (id),
    as_of date not null,
    dry_run boolean not null,
    rule text not null,
    cursor uuid,
    made_at timestamptz not null default clock_timestamp(),
    brake_mode text,
    brake_count integer,
    brake_percent numeric(5, 2),
    active_count integer,
    planned_count integer,
    unforeseen_count integer,
    held_count integer,
    brake_acts boolean,
    plan_hash text
);
comment on table public.plans is 'Which mentors a certification expiry run pauses, and which ones it holds.';
comment on column public.plans.cursor is 'The last mentor who was planned, while the plan is being made.';
comment on column public.plans.rule is 'The rule by which it was made, and its version.';
comment on column public.plans.active_count is 'How many active mentors the organisation had; brake_percent is a share of them.';
comment on column public.plans.planned_count is 'The active mentors whose certification had expired: those who are paused and those who are held.';
comment on column public.plans.unforeseen_count is 'Those of them who were not warned of their expiry date at least seven days before.';
comment on column public.plans.brake_acts is 'More are unforeseen than the limits allow; what follows depends on brake_mode.';
comment on column public.plans.plan_hash is
'SHA-256 of what the plan decides, in hexadecimal (private.hash_plan); null: the plan is not whole yet.';

-- The newest plan of an organisation.
create index plans_newest_idx on public.plans (org_id, as_of desc, made_at desc);

alter table public.plans enable row level security;
create policy seen_by_admins on public.plans for select to authenticated
using (org_id in (select private.my_admin_orgs()));

revoke all on public.plans from anon, authenticated, service_role;
grant select on public.plans to service_role;
grant select on public.plans to authenticated;

-- The coordinators of single mentors. An assignment is visible to everybody who may see the mentor (S4).

create table public.assignments (
    id uuid primary key default gen_random_uuid(),
    mentor_id uuid not null references public.peer_mentors (id) on delete cascade,
    coordinator_id uuid not null,
    ended_at timestamptz,
    unique (mentor_id, coordinator_id)
);
comment on table public.assignments is 'A coordinator who is responsible for a mentor until ended_at; many to many.';
-- The keyset pages of a coordinator; ended_at is included for the policy of peer_mentors.
create index assignments_coordinator_id_idx on public.assignments (coordinator_id, mentor_id) include (ended_at);

alter table public.assignments enable row level security;
-- The policy of peer_mentors applies to the subquery. PostgreSQL looks up a few rows by key, and hashes many.
create policy seen_with_the_mentor on public.assignments for select to authenticated
using (exists (select from public.peer_mentors as m where m.id = mentor_id));

revoke all on public.assignments from anon, authenticated, service_role;
grant select, insert, update, delete on public.assignments to service_role;
grant select on public.assignments to authenticated;

-- When a reading of HLF's portal moved a certification to an earlier day, gave it to another mentor, or deleted it (G6). A
-- wrong date in the portal comes through here, so people can see since when, and from which date. It is visible to
-- everybody who may see the mentor (S4).

create table public.certification_changes (
    id bigint generated always as identity primary key,
    mentor_id uuid not null references public.peer_mentors (id) on delete cascade,
    portal_id text,
    changed_at timestamptz not null default clock_timestamp(),
    changed_by text not null,
    job_run_id uuid,
    from_expires_on date not null,
    to_expires_on date
);
comment on table public.certification_changes is 'Changes that leave a mentor with an earlier certification, or with none.';
comment on column public.certification_changes.portal_id is 'The certification in HLF''s portal; null: it is not from the portal.';
comment on column public.certification_changes.changed_by is 'The kind of caller, as private.caller returns it: portal, service and so on.';
comment on column public.certification_changes.job_run_id is 'The sync run that read the new day in the portal; null: no run.';
comment on column public.certification_changes.to_expires_on is 'The new day; null: the mentor does not have this certification any more.';

create index certification_changes_mentor_id_idx on public.certification_changes (mentor_id, id desc);

alter table public.certification_changes enable row level security;
-- The policy of peer_mentors applies to the subquery.
create policy seen_with_the_mentor on public.certification_changes for select to authenticated
using (exists (select from public.peer_mentors as m where m.id = mentor_id));

revoke all on public.certification_changes from anon, authenticated, service_role;
revoke all on sequence public.certification_changes_id_seq from anon, authenticated, service_role;
grant select on public.certification_changes to service_role;
grant select on public.certification_changes to authenticated;

-- The certifications of mentors. A certification that HLF's portal holds is mirrored in one row here (H1). Each sync
-- run reads all of the portal's certifications, and leaves exactly those that are valid there: if a run read only
-- changes, it would not notice a row that the portal has deleted. A certification is visible to everybody who may
-- see the mentor (S4).

create table public.certifications (
    id uuid primary key default gen_random_uuid(),
    mentor_id uuid not null references public.peer_mentors (id) on delete cascade,
    expires_on date not null,
    portal_id text,
    portal_modified_on timestamptz,
    seen_by_run_id uuid,
    job_run_id uuid
);
comment on table public.certifications is
'A certification of a mentor. The latest expires_on of a mentor counts; on that day the certification has expired.';
comment on column public.certifications.portal_id is 'The id in HLF''s portal; null: not from the portal.';
comment on column public.certifications.portal_modified_on is 'When the portal last changed it.';
comment on column public.certifications.seen_by_run_id is
'The last run whose reading of the portal has seen this certification.';
comment on column public.certifications.job_run_id is 'The run in which this certification renewed the mentor.';

create index certifications_mentor_id_idx on public.certifications (mentor_id, expires_on desc);
-- The certifications that expire soon (W1).
create index certifications_expires_on_idx on public.certifications (expires_on, mentor_id);
create unique index certifications_portal_id_idx on public.certifications (portal_id);
create index certifications_job_run_id_idx on public.certifications (job_run_id, mentor_id) where job_run_id is not null;

alter table public.certifications enable row level security;
-- The policy of peer_mentors applies to the subquery. PostgreSQL looks up a few rows by key, and hashes many.
create policy seen_with_the_mentor on public.certifications for select to authenticated
using (exists (select from public.peer_mentors as m where m.id = mentor_id));

revoke all on public.certifications from anon, authenticated, service_role;
grant select, insert, update, delete on public.certifications to service_role;
grant select on public.certifications to authenticated;

-- The chapters that a coordinator is responsible for. Coordinators see their own; an administrator sees all (S4).

create table public.coordinator_chapters (
    coordinator_id uuid not null,
    chapter_id uuid not null references public.chapters (id) on delete cascade,
    primary key (coordinator_id, chapter_id)
);
comment on table public.coordinator_chapters is 'The chapters that a coordinator is responsible for; many to many.';
create index coordinator_chapters_chapter_id_idx on public.coordinator_chapters (chapter_id);

alter table public.coordinator_chapters enable row level security;
-- The policy of chapters applies to the subqueries, so a coordinator who has left the organisation sees no row.
create policy own_chapters_or_as_admin on public.coordinator_chapters for select to authenticated
using (
    (coordinator_id = (select private.user_id()) and chapter_id in (select c.id from public.chapters as c))
    or chapter_id in (
        select c.id from public.chapters as c where c.org_id in (select private.my_admin_orgs())
    )
);

revoke all on public.coordinator_chapters from anon, authenticated, service_role;
grant select, insert, update, delete on public.coordinator_chapters to service_role;
grant select on public.coordinator_chapters to authenticated;

-- The name, the e-mail address and the language of coordinators and administrators (W3). No log line, event or
-- e-mail holds what this table holds (W5). A project that has these data elsewhere replaces the table by a view of the
-- same columns (docs/adopting.md). People see their own contact; an administrator sees all of the organisation (S4).

create table public.member_contacts (
    org_id uuid not null,
    user_id uuid not null,
    display_name text not null check (length(display_name) between 1 and 200),
    email text check (length(email) <= 320),
    language text not null default 'nb' check (language in ('nb', 'en')),
    primary key (org_id, user_id),
    foreign key (org_id, user_id) references public.org_members (org_id, user_id) on delete cascade
);
comment on table public.member_contacts is
'The name and the e-mail address of a coordinator or an administrator, and the language of their messages.';
create index member_contacts_user_id_idx on public.member_contacts (user_id);

alter table public.member_contacts enable row level security;
create policy own_contact_or_as_admin on public.member_contacts for select to authenticated
using (user_id = (select private.user_id()) or org_id in (select private.my_admin_orgs()));

revoke all on public.member_contacts from anon, authenticated, service_role;
grant select, insert, update, delete on public.member_contacts to service_role;
grant select on public.member_contacts to authenticated;

-- The name, the e-mail address and the language of mentors (W3). No log line, event or e-mail holds what this table
-- holds (W5). A project that has these data elsewhere replaces the table by a view of the same columns
-- (docs/adopting.md). A contact is visible to everybody who may see the mentor (S4).

create table public.mentor_contacts (
    mentor_id uuid primary key references public.peer_mentors (id) on delete cascade,
    display_name text not null check (length(display_name) between 1 and 200),
    email text check (length(email) <= 320),
    language text not null default 'nb' check (language in ('nb', 'en'))
);
comment on table public.mentor_contacts is 'The name and the e-mail address of a mentor, and the language of their messages.';
comment on column public.mentor_contacts.email is 'Null: the mentor has no address, and their coordinators are informed.';

alter table public.mentor_contacts enable row level security;
-- The policy of peer_mentors applies to the subquery.
create policy seen_with_the_mentor on public.mentor_contacts for select to authenticated
using (exists (select from public.peer_mentors as m where m.id = mentor_id));

revoke all on public.mentor_contacts from anon, authenticated, service_role;
grant select, insert, update, delete on public.mentor_contacts to service_role;
grant select on public.mentor_contacts to authenticated;

-- The outbox: messages to mentors, coordinators and administrators (W3, E11). The transaction that causes a message
-- writes its row: private.notify_page for what a run did, write_warnings for warnings. Delivery comes later and
-- may fail; the row stays and the app shows it. A person reads their own messages; an administrator reads all of the
-- organisation (S4).
--
--   pending -> sending -> sent ...   by e-mail, as part of a digest, which has these states too
--   pending -> outdated              it was not sent in time, or is no longer true; it is not sent
--   pending -> no_address            the person has no address, or one that does not work (refusal); it is sent when they
--                                    get another one in time
--
-- A row grows if the same run pauses more of a person's mentors later. Then it waits for delivery again; if a digest is
-- being sent, after that one.

create table public.messages (
    id bigint generated always as identity primary key,
    org_id uuid not null references public.organisations (id),
    audience text not null check (audience in ('mentor', 'coordinator', 'admin')),
    person_id uuid not null,
    kind text not null check (kind in ('paused', 'renewed', 'warning', 'held', 'unforeseen', 'resumed')),
    mentor_ids uuid [] not null check (cardinality(mentor_ids) > 0),
    job_run_id uuid,
    reminder smallint not null default 0,
    expires_on date,
    created_at timestamptz not null default clock_timestamp(),
    read_at timestamptz,
    state text not null default 'pending' check (
        state in (
            'pending', 'sending', 'sent', 'delivered', 'bounced', 'complained', 'suppressed', 'unknown', 'no_address',
            'outdated'
        )
    ),
    due_at timestamptz not null default clock_timestamp(),
    expected_at timestamptz not null default clock_timestamp(),
    announced_count integer not null default 0,
    sending_count integer not null default 0,
    refusal text,
    digest_id uuid references public.digests (id) on delete set null
);
comment on table public.messages is 'Messages to mentors, coordinators and administrators, and how far their delivery has come.';
comment on column public.messages.person_id is 'The person''s user id; for a mentor without an account the mentor''s id.';
comment on column public.messages.kind is
'paused: a run paused the mentors. renewed: their certification was renewed; they stay paused until somebody resumes them. warning: their certification expires. held: their pause waits for an approval. unforeseen: a run paused them although they were not warned in time. resumed: a withdrawal resumed them.';
comment on column public.messages.mentor_ids is 'The mentors whom it is about, in id order; for a mentor the person themself.';
comment on column public.messages.job_run_id is 'The run that caused it; null for a warning.';
comment on column public.messages.reminder is
'0: the message itself. 1 and 2: it is repeated after 4 and 12 hours if it still holds (G3).';
comment on column public.messages.expires_on is 'The first day on which a mentor of a warning is paused.';
comment on column public.messages.due_at is 'When the next attempt to send it is due.';
comment on column public.messages.expected_at is 'When it could leave at the earliest: a person gets one digest a day.';
comment on column public.messages.refusal is 'Why SES did not accept the last e-mail about it, as SES names it; null: it has not refused one.';
comment on column public.messages.announced_count is 'How many of mentor_ids earlier digests have counted.';
comment on column public.messages.sending_count is 'How many of mentor_ids the digest that is being sent covers, with those of earlier ones.';

-- What the notifier sends next.
create index messages_due_idx on public.messages (org_id, (kind = 'warning'), due_at, id)
where state in ('pending', 'no_address');
-- One message to a person in one capacity about a run. Warnings have no run, and may be several.
create unique index messages_job_run_id_idx on public.messages (job_run_id, audience, person_id, reminder)
where job_run_id is not null;
create index messages_person_id_idx on public.messages (person_id, id desc);
create index messages_org_id_idx on public.messages (org_id, id desc);
-- What the console lists as undelivered.
create index messages_undelivered_idx on public.messages (org_id, id desc)
where state in ('bounced', 'complained', 'suppressed', 'no_address', 'unknown');
create index messages_digest_id_idx on public.messages (digest_id) where digest_id is not null;

alter table public.messages enable row level security;
create policy own_or_as_admin on public.messages for select to authenticated
using (
    (
        person_id in (select private.my_person_ids())
        -- A coordinator who has left the organisation keeps no messages, also if they are a mentor there.
        and (audience = 'mentor' or org_id in (select private.my_memberships()))
    )
    or org_id in (select private.my_admin_orgs())
);

revoke all on public.messages from anon, authenticated, service_role;
revoke all on sequence public.messages_id_seq from anon, authenticated, service_role;
grant select on public.messages to service_role;
grant select on public.messages to authenticated;

-- What an organisation decides for itself. An organisation without a row has the defaults. People see the settings of
-- their own organisations (S4).

create table public.organisation_settings (
    org_id uuid primary key references public.organisations (id) on delete cascade,
    warning_days integer [] not null default '{90,30,14,7}' check (private.are_warning_days(warning_days)),
    brake_mode text not null default 'watch' check (brake_mode in ('watch', 'hold', 'off')),
    brake_count integer not null default 10 check (brake_count >= 0),
    brake_percent numeric(5, 2) not null default 5 check (brake_percent between 0 and 100)
);
comment on table public.organisation_settings is 'The settings of an organisation; without a row the defaults apply.';
comment on column public.organisation_settings.warning_days is
'How many days before a certification expires the mentor and the coordinators are warned (W1); empty: never.';
comment on column public.organisation_settings.brake_mode is
'The brake''s reaction to a plan with more unforeseen pauses than the limits (G2). watch: the run pauses all, and the administrators get a message. hold: the unforeseen mentors wait for an approval. off: none.';
comment on column public.organisation_settings.brake_count is
'The brake acts if a plan has more unforeseen pauses than this, and more than brake_percent.';
comment on column public.organisation_settings.brake_percent is 'The other limit, in percent of the active mentors.';

alter table public.organisation_settings enable row level security;
create policy settings_of_own_organisations on public.organisation_settings for select to authenticated
using (org_id in (select private.my_orgs()));

revoke all on public.organisation_settings from anon, authenticated, service_role;
grant select, insert, update, delete on public.organisation_settings to service_role;
grant select on public.organisation_settings to authenticated;

-- The audit trail: one row per change of status. update_mentor_status writes it in the same transaction as the
-- change (E3). It records who made the change (S3): a mentor or a coordinator with their user id, a job, or a
-- service, which is a caller with the credential of service_role or of the owner. The table is append-only (S6).

create table public.peer_mentor_status_history (
    id bigint generated always as identity primary key,
    mentor_id uuid not null references public.peer_mentors (id),
    org_id uuid not null references public.organisations (id),
    previous_status text not null,
    new_status text not null,
    reason text not null,
    certification_expiry_date date,
    job_run_id uuid,
    changed_at timestamptz not null,
    changed_by uuid,
    changed_by_role text not null,
    plan_hash text,
    approved_by text,
    approved_at timestamptz,
    approval_note text,
    constraint peer_mentor_status_history_role_check
    check (changed_by_role in ('mentor', 'coordinator', 'job', 'service')),
    constraint peer_mentor_status_history_person_check
    check ((changed_by is not null) = (changed_by_role in ('mentor', 'coordinator'))),
    constraint peer_mentor_status_history_reserved_check
    check ((reason in ('certification_expired', 'pause_withdrawn')) = (changed_by_role = 'job'))
);
comment on table public.peer_mentor_status_history is
'Every change of a mentor''s status, with its reason and, for a job, the run that made it.';
comment on column public.peer_mentor_status_history.changed_by is
'User id of the person who made the change; null for jobs and services.';
comment on column public.peer_mentor_status_history.changed_by_role is
'The kind of caller who made the change: mentor, coordinator, job or service.';
comment on column public.peer_mentor_status_history.approved_by is
'Who approved the pause of a held mentor (G4), with the plan''s hash, the time and the note; null: it needed no approval.';

create index peer_mentor_status_history_mentor_id_idx
on public.peer_mentor_status_history (mentor_id, changed_at);
-- The last change of a mentor and the changes before it (H1, H5).
create index peer_mentor_status_history_latest_idx on public.peer_mentor_status_history (mentor_id, id desc);
create index peer_mentor_status_history_org_id_idx on public.peer_mentor_status_history (org_id);
-- A run changes a mentor at most once. So update_mentor_status recognises a repeated call.
create unique index peer_mentor_status_history_run_idx
on public.peer_mentor_status_history (job_run_id, mentor_id) where job_run_id is not null;

-- enable always: the triggers also fire while session_replication_role is replica.
create trigger refuse_update before update on public.peer_mentor_status_history
for each row execute function private.enforce_append_only();
create trigger refuse_delete before delete on public.peer_mentor_status_history
for each row execute function private.enforce_append_only();
create trigger refuse_truncate before truncate on public.peer_mentor_status_history
for each statement execute function private.enforce_append_only();
alter table public.peer_mentor_status_history enable always trigger refuse_update;
alter table public.peer_mentor_status_history enable always trigger refuse_delete;
alter table public.peer_mentor_status_history enable always trigger refuse_truncate;

alter table public.peer_mentor_status_history enable row level security;
create policy seen_by_those_concerned on public.peer_mentor_status_history for select to authenticated
using (org_id in (select private.my_admin_orgs()) or mentor_id in (select private.my_mentors()));

revoke all on public.peer_mentor_status_history from anon, authenticated, service_role;
revoke all on sequence public.peer_mentor_status_history_id_seq from anon, authenticated, service_role;
grant select on public.peer_mentor_status_history to service_role;
grant select on public.peer_mentor_status_history to authenticated;

-- Who released the held mentors of a plan, when, and why (G4). approve_plan writes the row, once for each plan. The run
-- that follows copies it into its row of the execution log. Rows are never changed or deleted. Administrators see the
-- approvals of their organisation (S4).

create table public.plan_approvals (
    job_run_id uuid primary key,
    org_id uuid not null references public.organisations (id),
    plan_hash text not null,
    approved_by text not null,
    approved_at timestamptz not null default clock_timestamp(),
    note text not null
);
comment on table public.plan_approvals is 'The approval of a plan''s held mentors.';
comment on column public.plan_approvals.job_run_id is 'The run that made the plan.';
comment on column public.plan_approvals.plan_hash is 'The hash of the plan that the approver saw.';
comment on column public.plan_approvals.approved_by is 'Who approved it, named as in scheduler_execution_log.triggered_by.';

create index plan_approvals_org_id_idx on public.plan_approvals (org_id);

-- enable always: the triggers also fire while session_replication_role is replica.
create trigger refuse_update before update on public.plan_approvals
for each row execute function private.enforce_append_only();
create trigger refuse_delete before delete on public.plan_approvals
for each row execute function private.enforce_append_only();
create trigger refuse_truncate before truncate on public.plan_approvals
for each statement execute function private.enforce_append_only();
alter table public.plan_approvals enable always trigger refuse_update;
alter table public.plan_approvals enable always trigger refuse_delete;
alter table public.plan_approvals enable always trigger refuse_truncate;

alter table public.plan_approvals enable row level security;
create policy seen_by_admins on public.plan_approvals for select to authenticated
using (org_id in (select private.my_admin_orgs()));

revoke all on public.plan_approvals from anon, authenticated, service_role;
grant select on public.plan_approvals to service_role;
grant select on public.plan_approvals to authenticated;

-- The mentors of a plan (G1): the version and the expiry date that they had, and what the plan says of them.
-- Administrators see the entries of their organisation's plans (S4). Coordinators ask list_plan, and mentors ask
-- explain_mentor, which looks at the newest plan only: an entry of a dry run or of an older plan tells a mentor nothing
-- about what will happen.

create table public.plan_mentors (
    job_run_id uuid not null references public.plans (job_run_id) on delete cascade,
    mentor_id uuid not null,
    version integer not null,
    expires_on date not null,
    action text not null check (action in ('pause', 'hold')),
    why text not null check (why in ('forewarned', 'warned_late', 'warned_of_another_date', 'never_warned')),
    primary key (job_run_id, mentor_id)
);
comment on table public.plan_mentors is 'The entries of the plans: one for each mentor whose certification has expired.';
comment on column public.plan_mentors.version is 'peer_mentors.version when the plan was made.';
comment on column public.plan_mentors.expires_on is 'The mentor''s latest expiry date when the plan was made.';
comment on column public.plan_mentors.action is 'pause: the run pauses the mentor. hold: the mentor waits for an approval.';
comment on column public.plan_mentors.why is
'forewarned: the mentor was warned of this date at least seven days before. All others are unforeseen.';

-- The held mentors of the newest plan (G3).
create index plan_mentors_held_idx on public.plan_mentors (job_run_id, mentor_id) where action = 'hold';

alter table public.plan_mentors enable row level security;
-- The policy of plans applies to the subquery.
create policy seen_with_the_plan on public.plan_mentors for select to authenticated
using (job_run_id in (select p.job_run_id from public.plans as p));

revoke all on public.plan_mentors from anon, authenticated, service_role;
grant select on public.plan_mentors to service_role;
grant select on public.plan_mentors to authenticated;

-- How HLF's portal and the database differ, by the last measurement (H5). record_portal_drift replaces the row; the console
-- shows it to administrators (C4). A difference names our mentor, and never the portal's key, which may be a person's name.
-- Administrators see the row of their organisation (S4).

create table public.portal_differences (
    org_id uuid primary key references public.organisations (id) on delete cascade,
    measured_at timestamptz not null,
    differing_count integer not null,
    differences jsonb not null
);
comment on table public.portal_differences is 'How the portal and the database differ, by the last measurement.';
comment on column public.portal_differences.differing_count is 'How many mentors differ; differences has at most 1000 of them.';
comment on column public.portal_differences.differences is
'An array of objects: kind, mentor_id (null: not known here), here, there, since.';

alter table public.portal_differences enable row level security;
create policy seen_by_admins on public.portal_differences for select to authenticated
using (org_id in (select private.my_admin_orgs()));

revoke all on public.portal_differences from anon, authenticated, service_role;
grant select on public.portal_differences to service_role;
grant select on public.portal_differences to authenticated;

-- What the HLF portal holds about each mentor, as far as the hlf_sync job knows (H1, H3): the version, and the run
-- that sent it. If a page is delivered again, the worker counts the mentors that this run has already sent as synced,
-- even if the portal's answer was lost. Administrators see the rows of their organisation (S4).
--
-- effective_on is the day that was sent to the portal. It is stored, and not computed from the organisation's time
-- zone at each reading: after a change of the time zone, the portal and the database would differ for mentors whose
-- status has not changed.

create table public.portal_sync_state (
    mentor_id uuid references public.peer_mentors (id) on delete cascade,
    synced_version integer not null,
    effective_on date,
    synced_at timestamptz not null default clock_timestamp(),
    job_run_id uuid,
    -- The listing of unsynced mentors reads this index alone.
    primary key (mentor_id) include (synced_version)
);
comment on table public.portal_sync_state is 'The last version of each mentor that the portal has accepted.';
comment on column public.portal_sync_state.effective_on is
'The day of the change, as sent to the portal; null: the sync did not record it.';
comment on column public.portal_sync_state.job_run_id is 'The run that sent this version to the portal.';
create index portal_sync_state_job_run_id_idx on public.portal_sync_state (job_run_id);
-- The mentor who was synced longest ago.
create index portal_sync_state_synced_at_idx on public.portal_sync_state (synced_at, mentor_id);

alter table public.portal_sync_state enable row level security;
create policy seen_by_admins on public.portal_sync_state for select to authenticated
using (
    exists (
        select from public.peer_mentors as m
        where m.id = mentor_id and m.org_id in (select private.my_admin_orgs())
    )
);

revoke all on public.portal_sync_state from anon, authenticated, service_role;
grant select on public.portal_sync_state to service_role;
grant select on public.portal_sync_state to authenticated;

-- How far a sync run has read the portal's certifications (H1). The run reads them in the order of their last change.
-- If an invocation of the worker ends, another invocation continues from the watermark. Administrators see the rows
-- of their organisation (S4).

create table public.portal_watermarks (
    org_id uuid primary key references public.organisations (id),
    job_run_id uuid,
    watermark timestamptz
);
comment on table public.portal_watermarks is 'How far the present reading of the portal''s certifications has got.';
comment on column public.portal_watermarks.job_run_id is 'The run that reads the portal.';
comment on column public.portal_watermarks.watermark is
'The run has read every certification that changed before this moment (the portal''s clock); null: none yet.';

alter table public.portal_watermarks enable row level security;
create policy seen_by_admins on public.portal_watermarks for select to authenticated
using (org_id in (select private.my_admin_orgs()));

revoke all on public.portal_watermarks from anon, authenticated, service_role;
grant select on public.portal_watermarks to authenticated, service_role;

-- Which run started, when, why and with what result (D4). Refused and duplicate run requests leave a row too. org_id
-- has no foreign key, so that a run request that names an unknown organisation can be logged as well. The table is
-- append-only except for the changes that private.restrict_log_updates allows (S6). Administrators see the rows of
-- their organisation (S4).

create table public.scheduler_execution_log (
    id bigint generated always as identity primary key,
    job_name text not null,
    job_run_id uuid not null,
    org_id uuid,
    trigger text not null check (trigger in ('schedule', 'manual', 'event')),
    triggered_by text not null,
    as_of date,
    dry_run boolean not null default false,
    redrive_of uuid,
    status text not null check (status in ('running', 'completed', 'failed', 'duplicate', 'refused')),
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    processed_count integer,
    paused_count integer,
    synced_count integer,
    skipped_count integer,
    error_count integer,
    renewed_count integer,
    error text,
    resumed_count integer,
    unforeseen_count integer,
    held_count integer,
    plan_of uuid,
    plan_hash text,
    approved_by text,
    approved_at timestamptz,
    approval_note text,
    withdraws uuid,
    check ((status = 'running') = (finished_at is null))
);
comment on table public.scheduler_execution_log is
'One row per run request. duplicate: a second delivery of the same trigger; refused: for example, another run was in progress.';
comment on column public.scheduler_execution_log.redrive_of is
'The run whose errored mentors this run repeats; null for a run for all mentors.';
-- processed_count = paused_count + synced_count + resumed_count + skipped_count + error_count (E7)
comment on column public.scheduler_execution_log.synced_count is 'Mentors whose status the run sent to the portal.';
comment on column public.scheduler_execution_log.renewed_count is
'Mentors whose certification the portal has renewed; not part of processed_count.';

comment on column public.scheduler_execution_log.resumed_count is 'Mentors whom a withdrawal resumed (G5).';
comment on column public.scheduler_execution_log.unforeseen_count is
'Mentors of the run''s plan who were not warned of their expiry date in time (G2); not part of processed_count.';
comment on column public.scheduler_execution_log.held_count is
'Mentors of the run''s plan who wait for an approval (G3); not part of processed_count.';
comment on column public.scheduler_execution_log.plan_of is
'The run whose plan this run carries out; null: its own. approved_by is set if it releases the held mentors of that plan (G4).';
comment on column public.scheduler_execution_log.plan_hash is 'The hash of the plan that the run carries out.';
comment on column public.scheduler_execution_log.withdraws is 'The run whose pauses this withdrawal takes back (G5).';

-- A run has one row with its course, and any number of duplicate and refused rows.
create unique index scheduler_execution_log_run_idx
on public.scheduler_execution_log (job_run_id) where status in ('running', 'completed', 'failed');
create index scheduler_execution_log_started_at_idx on public.scheduler_execution_log (started_at desc);
create index scheduler_execution_log_job_run_id_idx on public.scheduler_execution_log (job_run_id);
create index scheduler_execution_log_org_id_idx on public.scheduler_execution_log (org_id);
create index scheduler_execution_log_withdraws_idx on public.scheduler_execution_log (withdraws) where withdraws is not null;

-- enable always: the triggers also fire while session_replication_role is replica.
create trigger restrict_log_updates before update on public.scheduler_execution_log
for each row execute function private.restrict_log_updates();
create trigger refuse_delete before delete on public.scheduler_execution_log
for each row execute function private.enforce_append_only();
create trigger refuse_truncate before truncate on public.scheduler_execution_log
for each statement execute function private.enforce_append_only();
alter table public.scheduler_execution_log enable always trigger restrict_log_updates;
alter table public.scheduler_execution_log enable always trigger refuse_delete;
alter table public.scheduler_execution_log enable always trigger refuse_truncate;

alter table public.scheduler_execution_log enable row level security;
create policy seen_by_admins on public.scheduler_execution_log for select to authenticated
using (org_id in (select private.my_admin_orgs()));

revoke all on public.scheduler_execution_log from anon, authenticated, service_role;
revoke all on sequence public.scheduler_execution_log_id_seq from anon, authenticated, service_role;
grant select on public.scheduler_execution_log to service_role;
grant select on public.scheduler_execution_log to authenticated;

-- Which mentors were warned, of which expiry date, and how long before (W1). The primary key keeps a mentor from being
-- warned twice of the same date at the same stage. public.write_warnings writes the row in the transaction that writes
-- the messages. A warning is visible to everybody who may see the mentor (S4).

create table public.warnings (
    mentor_id uuid not null references public.peer_mentors (id) on delete cascade,
    expires_on date not null,
    stage integer not null check (stage between 1 and 365),
    warned_on date not null,
    created_at timestamptz not null default clock_timestamp(),
    primary key (mentor_id, expires_on, stage)
);
comment on table public.warnings is 'A warning that a mentor''s certification expires.';
comment on column public.warnings.stage is 'The days before the expiry date from which the warning was due, such as 30.';
comment on column public.warnings.warned_on is 'The day for which it was written, in the organisation''s time zone.';

alter table public.warnings enable row level security;
-- The policy of peer_mentors applies to the subquery.
create policy seen_with_the_mentor on public.warnings for select to authenticated
using (exists (select from public.peer_mentors as m where m.id = mentor_id));

revoke all on public.warnings from anon, authenticated, service_role;
grant select on public.warnings to service_role;
grant select on public.warnings to authenticated;

-- The organisations that a job role acts for (R5). The password of a job role is in a cloud secret; a thief of that
-- password must not reach other organisations of the same database. There is one row per login role and
-- organisation, and only the owner writes it.
--
-- A database with one organisation needs no step, because the first organisation is given to the three roles of
-- roles.sql (private.grant_first_organisation). Another organisation, or another stage, gets login roles of its own
-- that inherit a job role:
--
--   create role mentor_pause_job_other login inherit password '...' in role mentor_pause_job;
--   insert into private.job_organisations (role_name, org_id) values ('mentor_pause_job_other', '...');

create table private.job_organisations (
    role_name text not null,
    org_id uuid not null references public.organisations (id) on delete cascade,
    primary key (role_name, org_id)
);
comment on table private.job_organisations is
'The organisations that the login role of a job acts for; only the owner writes it.';
create index job_organisations_org_id_idx on private.job_organisations (org_id);

alter table private.job_organisations enable row level security;
revoke all on private.job_organisations from public, anon, authenticated, service_role;

-- One row per organisation that sends messages. begin_digest locks it, so that two notifiers never begin a digest for
-- the same person, or take each other's messages (W3).

create table private.notifiers (
    org_id uuid primary key references public.organisations (id) on delete cascade
);
comment on table private.notifiers is 'The row that begin_digest locks.';

alter table private.notifiers enable row level security;
revoke all on private.notifiers from public, anon, authenticated, service_role;

-- Until when a mentor was certified before the present reading of the portal changed that (H1). The reading returns
-- one row after the other, and a certification may move from one mentor to another. So finish_portal_reading decides
-- which mentors are renewed when the reading is complete.

create table private.portal_changes (
    mentor_id uuid primary key references public.peer_mentors (id) on delete cascade,
    certified_until date
);
comment on table private.portal_changes is
'Mentors whose certifications the present reading of the portal has changed, with the day until which they were certified before.';

alter table private.portal_changes enable row level security;
revoke all on private.portal_changes from public, anon, authenticated, service_role;

-- The messages of coordinators about a run (E11): one row per coordinator and run. The policy of messages applies.

create or replace view public.coordinator_notifications with (security_invoker = true) as
select m.id, m.org_id, m.person_id as coordinator_id, m.job_run_id, m.kind, m.mentor_ids, m.created_at
from public.messages as m
where m.audience = 'coordinator' and m.kind in ('paused', 'renewed');
comment on view public.coordinator_notifications is
'The mentors that a run paused, or whose certification it renewed, for one responsible coordinator.';

revoke all on public.coordinator_notifications from anon, authenticated, service_role;
grant select on public.coordinator_notifications to service_role;
grant select on public.coordinator_notifications to authenticated;

-- Approves the held mentors of a plan (G4). The run that releases them follows: begin_execution with p_releases. It does not
-- pause a mentor who is not as the plan says; changed_count and mentor_ids_changed (at most 500) tell the approver of those
-- who have changed already.
--
-- Who may approve: an administrator of the organisation, or an operator with the credential of service_role or the owner;
-- never the person who asked for the run. p_approver names who it is, as in scheduler_execution_log.triggered_by. A person
-- who calls the function needs no p_approver; the HTTP entry gives the person whose token it has verified.
--
-- Only the newest plan can be approved, and only by its own hash. Nothing approves a plan by itself, and an approval holds
-- until the next plan. A repeated call, also by another approver, returns the first approval.
-- Called by: the command line, the HTTP entry, the console for administrators.
-- Errors: PT404 run_not_found; PT403 not_an_administrator, own_run; PT409 plan_changed (with what changed), nothing_held;
-- 22023 the note or the approver is missing or too long; 42501 not_your_organisation.

create or replace function public.approve_plan(
    p_job_run_id uuid, p_plan_hash text, p_note text, p_approver text default null
)
returns table (
    job_run_id uuid,
    plan_hash text,
    approved_by text,
    approved_at timestamptz,
    note text,
    held_count integer,
    changed_count integer,
    mentor_ids_changed uuid []
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
#variable_conflict use_column
declare
    v_caller constant text := private.caller();
    v_approver constant text := case
        when v_caller = 'person' then 'user ' || private.user_id() else coalesce(p_approver, 'database, ' || session_user)
    end;
    v_note constant text := btrim(coalesce(p_note, ''), E' \t\r\n');
    v_plan public.plans;
    v_newest public.plans;
    v_changed uuid [];
begin
    select * into v_plan from public.plans as p where p.job_run_id = p_job_run_id;
    perform private.assert_job_org(v_plan.org_id);
    if v_caller not in ('person', 'api', 'service')
        or v_caller <> 'service' and not exists (
            select from public.org_members as o
            where o.org_id = v_plan.org_id and o.role = 'admin' and 'user ' || o.user_id = v_approver
        )
    then
        raise exception 'only an administrator or an operator may approve a plan' using errcode = 'PT403',
            hint = 'not_an_administrator', detail = 'ask an administrator of the organisation';
    elsif v_plan.plan_hash is null or v_plan.dry_run then
        raise exception 'there is no such plan' using errcode = 'PT404', hint = 'run_not_found',
            detail = 'give the id of a certification expiry run that is not a dry run; plans are kept for 90 days';
    elsif length(v_note) < 3 or length(v_note) > 500 or v_note ~ '[[:cntrl:]]' then
        raise exception 'a note is required' using errcode = '22023',
            detail = 'p_note says in 3 to 500 printable characters why the plan is right; it is kept for ever';
    elsif length(v_approver) > 200 then
        raise exception 'the approver''s name is too long' using errcode = '22023', detail = 'at most 200 characters';
    elsif exists (
        select from public.scheduler_execution_log as l
        where l.job_run_id = p_job_run_id and l.trigger = 'manual' and l.triggered_by = v_approver
    ) then
        raise exception 'you asked for this run, so another person has to approve its plan' using errcode = 'PT403',
            hint = 'own_run', detail = 'ask another administrator or operator';
    end if;

    select * into v_newest from public.plans as p where p.job_run_id = private.newest_plan(v_plan.org_id);
    if lower(btrim(p_plan_hash)) is distinct from v_plan.plan_hash or v_newest.plan_hash <> v_plan.plan_hash then
        raise exception 'this is not the newest plan' using errcode = 'PT409', hint = 'plan_changed',
            detail = private.compare_plans(v_plan.org_id, lower(btrim(p_plan_hash)), v_newest.job_run_id);
    elsif v_plan.held_count = 0 then
        raise exception 'the plan holds nobody' using errcode = 'PT409', hint = 'nothing_held',
            detail = 'the run has paused everybody whom it could';
    end if;
    insert into public.plan_approvals (job_run_id, org_id, plan_hash, approved_by, note)
    values (p_job_run_id, v_plan.org_id, v_plan.plan_hash, v_approver, v_note)
    on conflict do nothing;

    v_changed := array(
        select e.mentor_id from private.held_entries(p_job_run_id) as e where e.has_changed order by e.mentor_id
    );
    return query
    select
        a.job_run_id, a.plan_hash, a.approved_by, a.approved_at, a.note, v_plan.held_count, cardinality(v_changed),
        v_changed[:500]
    from public.plan_approvals as a where a.job_run_id = p_job_run_id;
end
$$;
comment on function public.approve_plan is
'Approves the held mentors of the newest plan, for exactly its hash; returns the approval and who has changed since.';
revoke execute on function public.approve_plan from public, anon, authenticated;
grant execute on function public.approve_plan to authenticated, service_role, mentor_pause_api;

-- Checks before a run that the configured organisation exists and has the configured slug (D8). Returns the
-- organisation's present day, which becomes the run's as_of, and the database's present moment. The monitor
-- takes the later of that moment and its own, so that a slow clock does not hide a missed night (O1).
-- Called by: the dispatcher, once per run; the monitor.
-- Errors: PT404 no such organisation, PT409 another slug, 42501 not_your_organisation.

create or replace function public.assert_org_scope(p_org_id uuid, p_slug text)
returns table (org_id uuid, slug text, time_zone text, today date, moment timestamptz)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_org public.organisations;
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_length('p_slug', p_slug, 100);
    select * into v_org from public.organisations as o where o.id = p_org_id;
    if not found then
        raise exception 'organisation % does not exist', p_org_id using errcode = 'PT404',
            detail = 'compare the configured organisation id with public.organisations';
    elsif v_org.slug is distinct from p_slug then
        raise exception 'organisation % is %, not %', p_org_id, v_org.slug, p_slug using errcode = 'PT409',
            detail = format('expected %s, actual %s', p_slug, v_org.slug);
    end if;
    return query select v_org.id, v_org.slug, v_org.time_zone, private.org_today(v_org.id), clock_timestamp();
end
$$;
comment on function public.assert_org_scope is
'Returns the organisation, its present day and the moment; fails if id and slug do not belong together.';
revoke execute on function public.assert_org_scope from public, anon, authenticated;
grant execute on function public.assert_org_scope to service_role, mentor_pause_job;

-- Begins the next digest (W3), and returns its address, counts and days. It takes the person whose messages have waited
-- longest; people who have other messages than warnings come first, because a pause is more urgent where the day's quota
-- is short. No row: nothing is due. A row without an address: this call found nothing to send, but there may be more;
-- call again.
--
-- private.take_messages says which messages a digest covers, and when the others are due. A person for whom that fails or
-- takes too long, for example because a view of contacts fails for one row, is tried again after an hour and keeps
-- nobody else waiting. After two seconds a call begins with no other person.
--
-- p_digest_id is the digest's new id, which the notifier chooses. The same call again returns the same digest, so a
-- call whose answer was lost can be repeated. A digest that does not get an answer of SES becomes unknown.
-- Sequential scans are off, because a session may have planned these queries while the tables were empty.
-- Called by: the notifier, right before it sends the e-mail.
-- Locks: the organisation's row of private.notifiers; so one digest begins at a time.
-- Errors: 42501 not_your_organisation, 22023 the id is missing, PT409 the digest has been sent already.

create or replace function public.begin_digest(p_org_id uuid, p_digest_id uuid)
returns table (
    email text,
    language text,
    day date,
    own_paused_on date,
    own_expires_on date,
    paused_count integer,
    renewed_count integer,
    expiring_count integer,
    first_expires_on date,
    unreachable_count integer,
    held_count integer,
    own_resumed_on date,
    resumed_count integer,
    unforeseen_count integer
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
set lock_timeout = '3s'
as $$
#variable_conflict use_column
declare
    v_most_persons constant integer := 200;
    v_now constant timestamptz := clock_timestamp();
    v_person uuid;
    v_email text;
    v_state text;
begin
    perform private.assert_job_org(p_org_id);
    if p_digest_id is null or not exists (select from public.organisations as o where o.id = p_org_id) then
        raise exception 'p_digest_id or the organisation is missing' using errcode = '22023',
            detail = 'the notifier chooses a new id for each digest';
    end if;
    insert into private.notifiers (org_id) values (p_org_id) on conflict do nothing;
    perform from private.notifiers as n where n.org_id = p_org_id for update;

    select d.state into v_state from public.digests as d where d.id = p_digest_id and d.org_id = p_org_id;
    if found then
        if v_state <> 'sending' then
            raise exception 'the digest is % already', v_state using errcode = 'PT409', hint = 'digest_sent',
                detail = 'choose a new id for each digest';
        end if;
        select c.email into v_email from private.digest_content(p_digest_id) as c;
        if v_email is not null then
            update public.digests as d set address_hash = private.hash_address(v_email) where d.id = p_digest_id;
            return query select * from private.digest_content(p_digest_id);
            return;
        end if;
        -- The contact has gone since the first call; nothing was sent.
        perform public.finish_digest(p_org_id, p_digest_id, 'refused', null, 'no address', 1);
    end if;

    for n in 1..v_most_persons loop
        exit when clock_timestamp() > v_now + interval '2 seconds';
        v_person := coalesce(
            (
                select m.person_id
                from public.messages as m
                where m.org_id = p_org_id and m.state in ('pending', 'no_address') and (m.kind = 'warning') is false
                    and m.due_at <= v_now
                order by m.due_at, m.id
                limit 1
            ),
            (
                select m.person_id
                from public.messages as m
                where m.org_id = p_org_id and m.state in ('pending', 'no_address') and (m.kind = 'warning') is true
                    and m.due_at <= v_now
                order by m.due_at, m.id
                limit 1
            )
        );
        if v_person is null then
            return;
        end if;
        begin
            if private.take_messages(p_org_id, v_person, p_digest_id) then
                return query select * from private.digest_content(p_digest_id);
                return;
            end if;
        exception
            -- Another transaction has the rows for a moment; the notifier repeats the call.
            when lock_not_available or deadlock_detected then raise;
            when query_canceled or others then  -- one person's rows must not stop everybody else's messages
                raise warning 'a digest was not begun: %', sqlstate;
                update public.messages as m set due_at = clock_timestamp() + interval '1 hour', refusal = 'SQLSTATE ' || sqlstate
                where m.org_id = p_org_id and m.person_id = v_person and m.state in ('pending', 'no_address');
        end;
    end loop;
    email := null;
    return next;
end
$$;
comment on function public.begin_digest is
'Begins the next digest and returns its address, counts and days; no row: nothing is due; no address: call again.';
revoke execute on function public.begin_digest from public, anon, authenticated;
grant execute on function public.begin_digest to service_role, mentor_pause_notifier;

-- Opens the row of a run in the execution log (D4) and returns it with the run's day (E1). The dispatcher
-- calls it before it opens the run in the ledger. The log never expires, so its row decides whether a trigger
-- has had its run, and for which day.
--
-- p_status is running for a run that starts, and failed, duplicate or refused for one that does not. A run
-- that is resumed gets the row that it already has. A run whose row says failed and that never began becomes
-- running, because a refused redrive may be delivered again (D4); its row keeps the time of the first
-- attempt.
--
-- A real run may not begin for a day that is more than one day ahead. Once the run has begun, its day stays,
-- even if the clock or the time zone changes later (private.assert_transition_request).
--
-- A run may carry out an earlier run's plan: a redrive does, and so does the release of an approved plan (p_releases, G4).
-- A release begins only while its approval holds; it gets the plan's day, and its row names the plan, who approved it, when
-- and why. A withdrawal (p_withdraws, G5) begins only for a run that has ended. A redrive of either stays one.
--
-- The HTTP entry may only record that it refused a user or the machine (R5).
-- Called by: the dispatcher, once per run request; the HTTP entry, when it refuses a caller; run_certification_expiry.
-- Locks: the new row only.
-- Errors: PT403 reserved_for_the_job, 42501 not_your_organisation, 22023 an argument is out of bounds or the
-- day lies in the future, PT409 not_approved, plan_lapsed or not_withdrawable.

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
    p_redrive_of uuid default null,
    p_releases uuid default null,
    p_withdraws uuid default null
)
returns table (execution_id bigint, status text, started_at timestamptz, as_of date)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_source public.scheduler_execution_log;
    v_approval public.plan_approvals;
    v_plan_of uuid;
    v_as_of date := p_as_of;
    v_withdraws uuid;
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_date('p_as_of', p_as_of);
    perform private.assert_length('p_job_name', p_job_name, 100);
    perform private.assert_length('p_triggered_by', p_triggered_by, 300);
    if private.caller() = 'api' then
        if p_status is distinct from 'refused' or p_trigger is distinct from 'manual'
            or num_nonnulls(p_redrive_of, p_releases, p_withdraws) > 0
            or not private.acts_for(p_org_id)
            or coalesce(p_job_name, '') !~ '^[a-z][a-z0-9_]{0,62}$'
            or coalesce(p_triggered_by, '')
            !~ '^(machine|user [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$'
            or length(p_error) > 300
        then
            raise exception 'reserved for the job' using errcode = 'PT403', hint = 'reserved_for_the_job',
                detail = 'p_status is refused, p_trigger is manual, p_triggered_by is a user or the machine, and p_error is short';
        end if;
        -- At most one row a minute for one caller, and 60 for all: every user who can sign in can cause a refusal.
        if exists (
            select from public.scheduler_execution_log as l
            where l.started_at > clock_timestamp() - interval '1 minute'
                and l.org_id = p_org_id and l.status = 'refused' and l.trigger = 'manual'
            having count(*) >= 60 or bool_or(l.triggered_by = p_triggered_by)
        ) then
            return;
        end if;
    end if;
    select * into v_source from public.scheduler_execution_log as l
    where l.job_run_id = p_redrive_of and l.org_id = p_org_id and l.status in ('running', 'completed', 'failed');
    v_withdraws := case when p_job_name = 'withdrawal' then coalesce(p_withdraws, v_source.withdraws) end;
    v_plan_of := case
        when p_job_name = 'certification_expiry' then coalesce(p_releases, v_source.plan_of, v_source.job_run_id)
    end;
    if p_status = 'running' and not exists (
        select from public.scheduler_execution_log as l
        where l.job_run_id = p_job_run_id and (l.status in ('running', 'completed') or l.processed_count is not null)
    ) then
        if p_releases is not null or v_source.approved_by is not null then
            perform private.assert_approved(p_org_id, v_plan_of);
            select * into v_approval from public.plan_approvals as a where a.job_run_id = v_plan_of;
            v_as_of := (select p.as_of from public.plans as p where p.job_run_id = v_plan_of);
        elsif p_job_name = 'withdrawal' then
            perform private.assert_withdrawable(p_org_id, v_withdraws);
        end if;
    end if;
    -- One day of tolerance: at midnight the dispatcher's clock may be ahead of the database's.
    if p_status = 'running' and p_dry_run is not true and v_as_of > private.org_today(p_org_id) + 1
        and not exists (
            select from public.scheduler_execution_log as l where l.job_run_id = p_job_run_id and l.status = 'running'
        )
    then
        raise exception 'p_as_of % is after today', v_as_of using errcode = '22023',
            detail = 'only a dry run may look ahead';
    end if;
    return query
    insert into public.scheduler_execution_log as l (
        job_name, job_run_id, org_id, trigger, triggered_by, as_of, dry_run, status, error, finished_at,
        redrive_of, plan_of, plan_hash, approved_by, approved_at, approval_note, withdraws
    ) values (
        p_job_name, p_job_run_id, p_org_id, p_trigger, p_triggered_by, v_as_of, p_dry_run, p_status,
        left(p_error, 4000), case when p_status <> 'running' then clock_timestamp() end, p_redrive_of, v_plan_of,
        v_approval.plan_hash, v_approval.approved_by, v_approval.approved_at, v_approval.note, v_withdraws
    )
    on conflict (job_run_id) where status in ('running', 'completed', 'failed') do update
        set
            status = 'running', finished_at = null, error = null, as_of = coalesce(excluded.as_of, l.as_of),
            plan_of = excluded.plan_of, plan_hash = excluded.plan_hash, approved_by = excluded.approved_by,
            approved_at = excluded.approved_at, approval_note = excluded.approval_note, withdraws = excluded.withdraws
        where excluded.status = 'running' and l.status = 'failed' and l.processed_count is null
    returning l.id, l.status, l.started_at, l.as_of;
    if not found then
        return query
        select l.id, l.status, l.started_at, l.as_of
        from public.scheduler_execution_log as l
        where l.job_run_id = p_job_run_id and l.status in ('running', 'completed', 'failed');
    end if;
end
$$;
comment on function public.begin_execution is
'Writes the log row of a run, or returns the row that the run already has, with its day.';
revoke execute on function public.begin_execution from public, anon, authenticated;
grant execute on function public.begin_execution to service_role, mentor_pause_job, mentor_pause_api;

-- Begins a run's reading of the portal, or returns how far the run has already read (H1).
-- Called by: the portal worker, once per invocation that reads.
-- Locks: the organisation's watermark.
-- Errors: 42501 not_your_organisation.

create or replace function public.begin_portal_reading(p_org_id uuid, p_job_run_id uuid)
returns timestamptz
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
declare
    v_watermark timestamptz;
begin
    perform private.assert_job_org(p_org_id);
    insert into public.portal_watermarks as w (org_id, job_run_id) values (p_org_id, p_job_run_id)
    on conflict (org_id) do update set
        job_run_id = excluded.job_run_id,
        watermark = case when w.job_run_id = excluded.job_run_id then w.watermark end
    returning w.watermark into v_watermark;
    return v_watermark;
end
$$;
comment on function public.begin_portal_reading is
'Begins a run''s reading of the portal; returns the moment before which it has read all changes, null at first.';
revoke execute on function public.begin_portal_reading from public, anon, authenticated;
grant execute on function public.begin_portal_reading to service_role, portal_sync;

-- The certifications of one of a coordinator's mentors, the latest first (S4, S7). It returns no row for
-- another coordinator's mentor, and no row for a mentor who does not exist.
-- Called by: the app, for a coordinator; services.
-- Errors: PT403 the caller asks about another coordinator.

create or replace function public.coordinator_mentor_certifications(p_coordinator_id uuid, p_mentor_id uuid)
returns table (certification_id uuid, mentor_id uuid, expires_on date)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    -- A separate statement: inside the query PostgreSQL would not evaluate it for an empty result.
    select private.assert_caller_is(p_coordinator_id);
    select c.id, c.mentor_id, private.clamp_day(c.expires_on)
    from public.certifications as c
    where
        c.mentor_id = p_mentor_id
        and c.mentor_id in (select private.coordinated_mentors(p_coordinator_id, p_mentor_id, p_mentor_id))
    order by c.expires_on desc, c.id
$$;
comment on function public.coordinator_mentor_certifications is
'The certifications of one of a coordinator''s mentors, latest first.';
revoke execute on function public.coordinator_mentor_certifications from public, anon, authenticated;
grant execute on function public.coordinator_mentor_certifications to authenticated, service_role;

-- The history of one of a coordinator's mentors, the newest row first (S4, S7). It returns no row for another
-- coordinator's mentor, and no row for a mentor who does not exist. It pages by keyset: p_before is the last
-- id of the page before.
-- Called by: the app, for a coordinator; services.
-- Errors: PT403 the caller asks about another coordinator, 22023 p_limit is out of bounds.

create or replace function public.coordinator_mentor_history(
    p_coordinator_id uuid, p_mentor_id uuid, p_before bigint default null, p_limit integer default 100
)
returns setof public.peer_mentor_status_history
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    -- Separate statements: inside the query PostgreSQL would not evaluate them for an empty result.
    select private.assert_caller_is(p_coordinator_id);
    select private.assert_limit(p_limit);
    select h.*
    from public.peer_mentor_status_history as h
    where
        h.mentor_id = p_mentor_id
        and h.mentor_id in (select private.coordinated_mentors(p_coordinator_id, p_mentor_id, p_mentor_id))
        and h.id < coalesce(p_before, 9223372036854775807)
    order by h.id desc
    limit p_limit
$$;
comment on function public.coordinator_mentor_history is
'The history of one of a coordinator''s mentors, newest first.';
revoke execute on function public.coordinator_mentor_history from public, anon, authenticated;
grant execute on function public.coordinator_mentor_history to authenticated, service_role;

-- The mentors of one coordinator with status and latest certification, in id order (S4, S7). It pages by
-- keyset: p_after is the last id of the page before.
-- Called by: the app, for a coordinator; services, for any coordinator.
-- Errors: PT403 the caller asks about another coordinator, 22023 p_limit is out of bounds.

create or replace function public.coordinator_mentor_statuses(
    p_coordinator_id uuid, p_after uuid default null, p_limit integer default 100
)
returns table (
    mentor_id uuid,
    org_id uuid,
    chapter_id uuid,
    status text,
    version integer,
    status_changed_at timestamptz,
    certification_expiry_date date
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    -- Separate statements: inside the query PostgreSQL would not evaluate them for an empty result.
    select private.assert_caller_is(p_coordinator_id);
    select private.assert_limit(p_limit);
    select
        m.id, m.org_id, m.chapter_id, m.status, m.version, m.status_changed_at,
        private.clamp_day((select max(c.expires_on) from public.certifications as c where c.mentor_id = m.id))
    -- The ids of the page are selected first, so that only the rows of the page are read, by key. They begin with
    -- p_after, which is left out.
    from (
        select mine.id
        from private.coordinated_mentors(p_coordinator_id, p_after, null, p_limit + 1) as mine (id)
        where mine.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        order by mine.id
        limit p_limit
    ) as page
    inner join public.peer_mentors as m on m.id = page.id
    order by m.id
$$;
comment on function public.coordinator_mentor_statuses is
'A coordinator''s mentors with status, version and latest expiry date.';
revoke execute on function public.coordinator_mentor_statuses from public, anon, authenticated;
grant execute on function public.coordinator_mentor_statuses to authenticated, service_role;

-- Counts active mentors without any certification. The nightly job does not pause them, because they have no
-- day of expiry (E1). The monitor and the command line show how many there are.
-- Called by: the monitor, once an hour; the command line.
-- Both indexes have the mentors in id order, so merging them reads each once. A hash of all certifications would not
-- fit into work_mem, hence enable_hashjoin.
-- Errors: 42501 not_your_organisation.

create or replace function public.count_active_uncertified(p_org_id uuid)
returns bigint
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_hashjoin = 'off'
as $$
    select private.assert_job_org(p_org_id);
    select count(*)
    from public.peer_mentors as m
    where
        m.org_id = p_org_id
        and m.status = 'active'
        and not exists (select from public.certifications as c where c.mentor_id = m.id)
$$;
comment on function public.count_active_uncertified is 'How many active mentors have no certification.';
revoke execute on function public.count_active_uncertified from public, anon, authenticated;
grant execute on function public.count_active_uncertified to service_role, mentor_pause_job;

-- Counts the mentors whose certifications a sync run has renewed (E7, H1). It counts rows, so a page that is
-- delivered again does not change the result.
-- Called by: the completion of a sync run; the command line.
-- Errors: 42501 not_your_organisation.

create or replace function public.count_run_renewals(p_job_run_id uuid)
returns bigint
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.run_org(p_job_run_id);
    select count(distinct c.mentor_id) from public.certifications as c where c.job_run_id = p_job_run_id
$$;
comment on function public.count_run_renewals is 'How many mentors'' certifications a run has renewed.';
revoke execute on function public.count_run_renewals from public, anon, authenticated;
grant execute on function public.count_run_renewals to service_role, mentor_pause_job, portal_sync;

-- The monitoring query (O1): counts mentors who are shown as available although their certification has
-- expired. It does not look at runs or logs.
-- Called by: the monitor; the command line.
-- Errors: 42501 not_your_organisation, 22023 p_as_of is out of bounds.

create or replace function public.count_stale_active_mentors(p_org_id uuid, p_as_of date)
returns bigint
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_date('p_as_of', p_as_of);
    select count(*) from private.expired_mentors(p_org_id, p_as_of, null, null)
$$;
comment on function public.count_stale_active_mentors is
'Active mentors whose latest certification expired on or before p_as_of; zero when all is well.';
revoke execute on function public.count_stale_active_mentors from public, anon, authenticated;
grant execute on function public.count_stale_active_mentors to service_role, mentor_pause_job;

-- Counts the mentors who changed after a sync run began and who are still unsynced (H4). The run listed its
-- pages before they changed, and while it ran the dispatcher refused any other sync run. If there are any,
-- another sync run starts. Mentors that the portal rejected are excluded, because they changed before this
-- run. That prevents an endless loop.
-- Called by: the completion of a sync run, after it has released the lock.
-- Errors: 42501 not_your_organisation.

create or replace function public.count_unsynced_since_run(p_job_run_id uuid)
returns bigint
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.run_org(p_job_run_id);
    select count(*)
    from public.scheduler_execution_log as l
    inner join public.peer_mentors as m
        on m.org_id = l.org_id and m.status_changed_at > l.started_at
        and m.status_changed_at <= clock_timestamp()
    left join public.portal_sync_state as s on s.mentor_id = m.id
    where
        l.job_run_id = p_job_run_id
        and l.status in ('running', 'completed', 'failed')
        and s.synced_version is distinct from m.version
$$;
comment on function public.count_unsynced_since_run is
'How many mentors changed after a sync run began and are not synced.';
revoke execute on function public.count_unsynced_since_run from public, anon, authenticated;
grant execute on function public.count_unsynced_since_run to service_role, mentor_pause_job, portal_sync;

-- Ends the log row of a run that the ledger has lost, with counts from the data (E8). The ledger loses a run
-- when its items are deleted or the table is recreated. The run's pages are lost with it, so no worker can
-- continue.
--
-- For certification_expiry, the mentors in the run's history count as paused, and the mentors who are active
-- although their certification had expired on the run's day count as errors, but not those whom the run's plan holds. For
-- withdrawal, the mentors in the run's history count as resumed. For hlf_sync, the mentors whose
-- status the run sent to the portal count as synced. If the run changed nothing, its row gets no counts, and
-- its trigger may begin it again (begin_execution).
-- Called by: the holder of the lock of the run's job. Repeated calls change nothing.
-- Locks: the run's row of the log.
-- Errors: PT404 no such run, 42501 not_your_organisation.

create or replace function public.end_lost_execution(p_org_id uuid, p_job_run_id uuid, p_error text)
returns table (has_ended boolean, effect_count integer, error_count integer)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_run public.scheduler_execution_log;
    v_effect integer := 0;
    v_left integer := 0;
begin
    perform private.assert_job_org(p_org_id);
    select * into v_run from public.scheduler_execution_log as l
    where l.job_run_id = p_job_run_id and l.org_id = p_org_id and l.status in ('running', 'completed', 'failed')
    for update;
    if not found then
        raise exception 'run not found' using errcode = 'PT404', detail = 'the log has no row of this run';
    elsif v_run.status <> 'running' then
        return query select false, 0, 0;
        return;
    end if;
    if v_run.job_name in ('certification_expiry', 'withdrawal') then
        select count(*) into v_effect
        from public.peer_mentor_status_history as h where h.job_run_id = p_job_run_id;
        if v_run.job_name = 'certification_expiry' and not v_run.dry_run and v_run.redrive_of is null
            and v_run.plan_of is null and v_run.as_of is not null
        then
            v_left := greatest(0, public.count_stale_active_mentors(p_org_id, v_run.as_of) - coalesce(
                (select p.held_count from public.plans as p where p.job_run_id = p_job_run_id), 0
            ));
        end if;
    elsif v_run.job_name = 'hlf_sync' then
        select count(*) into v_effect from public.portal_sync_state as s where s.job_run_id = p_job_run_id;
    end if;
    update public.scheduler_execution_log as l
    set
        status = 'failed',
        finished_at = clock_timestamp(),
        error = left(p_error, 4000),
        processed_count = case when v_effect > 0 then v_effect + v_left end,
        paused_count = case when v_effect > 0 then case when l.job_name = 'certification_expiry' then v_effect else 0 end end,
        skipped_count = case when v_effect > 0 then 0 end,
        error_count = case when v_effect > 0 then v_left end,
        synced_count = case when v_effect > 0 and l.job_name = 'hlf_sync' then v_effect end,
        resumed_count = case when v_effect > 0 and l.job_name = 'withdrawal' then v_effect end
    where l.id = v_run.id;
    return query select true, v_effect, v_left;
end
$$;
comment on function public.end_lost_execution is
'Ends the row of a run that the ledger has lost, with counts from the data; has_ended: it was running before.';
revoke execute on function public.end_lost_execution from public, anon, authenticated;
grant execute on function public.end_lost_execution to service_role, mentor_pause_job;

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

-- Notes what SES answered to a digest (W4):
--
--   sent      SES accepted the e-mail under p_provider_message_id
--   refused   SES did not accept it, and will not send it; the messages wait for p_retry_seconds
--   unknown   SES did not answer; the person may have the e-mail, so it is not sent again
--
-- The messages keep the reason of a refusal. An event of SES may come before this call; then the call changes nothing. Repeated calls change nothing.
-- Called by: the notifier, after each digest.
-- Locks: the digest, and its messages.
-- Errors: 42501 not_your_organisation, 22023 an argument is out of bounds.

create or replace function public.finish_digest(
    p_org_id uuid,
    p_digest_id uuid,
    p_result text,
    p_provider_message_id text default null,
    p_reason text default null,
    p_retry_seconds integer default 3600
)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_length('p_provider_message_id', p_provider_message_id, 200);
    perform private.assert_length('p_reason', p_reason, 100);
    perform private.assert_between('p_retry_seconds', coalesce(p_retry_seconds, 0), 1, 86400);
    if p_result is null or p_result not in ('sent', 'refused', 'unknown') then
        raise exception 'unknown result' using errcode = '22023', detail = 'p_result must be sent, refused or unknown';
    end if;
    if p_result = 'refused' then
        -- The lock comes first: an event of SES may move the digest at this moment.
        perform from public.digests as d
        where d.id = p_digest_id and d.org_id = p_org_id and d.state = 'sending' for update;
        if not found then
            return false;
        end if;
        update public.messages as m set
            state = 'pending', digest_id = null, refusal = coalesce(p_reason, 'refused'),
            due_at = clock_timestamp() + interval '1 second' * p_retry_seconds
        where m.digest_id = p_digest_id;
        delete from public.digests as d where d.id = p_digest_id;
        return true;
    end if;
    return private.move_digest(p_org_id, p_digest_id, p_result, p_provider_message_id, p_reason);
end
$$;
comment on function public.finish_digest is 'Notes what SES answered to a digest; returns whether that changed anything.';
revoke execute on function public.finish_digest from public, anon, authenticated;
grant execute on function public.finish_digest to service_role, mentor_pause_notifier;

-- Closes a run's row of the execution log with its final status and counts (D4, E8). The first call wins; a
-- repeated call changes nothing and returns the row. A long p_error is cut, so that it cannot keep a run from
-- ending. The function adds the counts of the run's plan (G2, G3) and returns them. The role portal_sync, whose
-- Lambda talks to an external system, can close runs of hlf_sync only (D9).
-- Called by: the completion of a run.
-- Locks: the row.
-- Errors: PT404 no such run, 22023 the status is not final or a count is out of bounds, 42501
-- not_your_organisation.

create or replace function public.finish_execution(
    p_job_run_id uuid,
    p_status text,
    p_processed_count integer,
    p_paused_count integer,
    p_skipped_count integer,
    p_error_count integer,
    p_error text default null,
    p_synced_count integer default null,
    p_renewed_count integer default null,
    p_resumed_count integer default null
)
returns table (
    execution_id bigint,
    status text,
    started_at timestamptz,
    finished_at timestamptz,
    unforeseen_count integer,
    held_count integer,
    brake_acts boolean
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    if p_status is null or p_status not in ('completed', 'failed') then
        raise exception 'not a final status' using errcode = '22023',
            detail = 'p_status must be completed or failed';
    end if;
    perform private.assert_between(
        'a count',
        least(
            p_processed_count, p_paused_count, p_skipped_count, p_error_count, p_synced_count, p_renewed_count,
            p_resumed_count
        ),
        0, 2147483647
    );
    perform private.run_org(p_job_run_id);
    update public.scheduler_execution_log as l
    set
        status = p_status,
        finished_at = clock_timestamp(),
        processed_count = p_processed_count,
        paused_count = p_paused_count,
        skipped_count = p_skipped_count,
        error_count = p_error_count,
        error = left(p_error, 4000),
        synced_count = p_synced_count,
        renewed_count = p_renewed_count,
        resumed_count = p_resumed_count,
        unforeseen_count = (select p.unforeseen_count from public.plans as p where p.job_run_id = p_job_run_id),
        held_count = (select p.held_count from public.plans as p where p.job_run_id = p_job_run_id),
        plan_hash = coalesce(
            l.plan_hash, (select p.plan_hash from public.plans as p where p.job_run_id = coalesce(l.plan_of, l.job_run_id))
        )
    where
        l.job_run_id = p_job_run_id
        and l.status = 'running'
        and (private.caller() in ('job', 'service') or l.job_name = 'hlf_sync');
    return query
    select l.id, l.status, l.started_at, l.finished_at, l.unforeseen_count, l.held_count, p.brake_acts
    from public.scheduler_execution_log as l
    left join public.plans as p on p.job_run_id = l.job_run_id
    where l.job_run_id = p_job_run_id and l.status in ('completed', 'failed');
    if not found then
        raise exception 'run not found' using errcode = 'PT404', detail = 'the log has no row of this run';
    end if;
end
$$;
comment on function public.finish_execution is 'Closes the log row of a run once; the first call wins.';
revoke execute on function public.finish_execution from public, anon, authenticated;
grant execute on function public.finish_execution to service_role, mentor_pause_job, portal_sync;

-- Ends a run's reading of the portal and decides which mentors it has renewed (H1). A mentor is renewed if
-- they are now certified beyond today, and for longer than before the reading. The function writes the run's
-- id into the certification that renews them; counts and notifications use that id.
-- Called by: the portal worker. Repeated calls change nothing.
-- Locks: the certifications that renew.
-- Errors: 42501 not_your_organisation.

create or replace function public.finish_portal_reading(p_org_id uuid, p_job_run_id uuid)
returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
declare
    v_today constant date := private.org_today(p_org_id);
    v_count bigint;
begin
    perform private.assert_job_org(p_org_id);
    if exists (
        select from public.scheduler_execution_log as l
        where l.job_run_id = p_job_run_id and l.status in ('completed', 'failed')
    ) then
        return 0;  -- too late for notifications; the next run's reading finds the renewals
    end if;
    with changed as (
        delete from private.portal_changes as p
        using public.peer_mentors as m
        where m.id = p.mentor_id and m.org_id = p_org_id
        returning p.mentor_id, p.certified_until
    ),

    longest as (
        select distinct on (c.mentor_id) c.id, c.expires_on, ch.certified_until
        from changed as ch
        inner join public.certifications as c on c.mentor_id = ch.mentor_id
        order by c.mentor_id, c.expires_on desc, c.portal_id is null, c.id
    )

    update public.certifications as c set job_run_id = p_job_run_id
    from longest as l
    where c.id = l.id and l.expires_on > v_today and l.expires_on > coalesce(l.certified_until, '-infinity');
    get diagnostics v_count = row_count;
    return v_count;
end
$$;
comment on function public.finish_portal_reading is
'Ends a run''s reading of the portal: marks the certifications that renew a mentor, and returns their number.';
revoke execute on function public.finish_portal_reading from public, anon, authenticated;
grant execute on function public.finish_portal_reading to service_role, portal_sync;

-- The figures of the brake (G2, G3): how many mentors are held now, by which run, and since when; and whether their plan is
-- approved. Also how many unforeseen mentors the runs of a night paused in mode watch, if they were more than the limits.
-- A run does not count after a withdrawal has resumed one of its mentors.
-- Called by: the monitor; the command line.
-- Errors: 42501 not_your_organisation, 22023 p_as_of is out of bounds.

create or replace function public.get_brake_figures(p_org_id uuid, p_as_of date)
returns table (
    held_count bigint,
    held_by uuid,
    held_since timestamptz,
    plan_hash text,
    is_approved boolean,
    unforeseen_count bigint,
    unforeseen_by uuid
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_date('p_as_of', p_as_of);
    with held as (
        select count(*) as held_count from private.held_mentors(p_org_id)
    ),

    newest as (
        select p.* from public.plans as p, held as h
        where p.job_run_id = private.newest_plan(p_org_id) and h.held_count > 0
    ),

    unforeseen as (
        select p.job_run_id, p.unforeseen_count
        from public.plans as p
        where p.org_id = p_org_id and p.as_of = p_as_of and not p.dry_run and p.brake_acts and p.brake_mode = 'watch'
            and not exists (
                select from public.scheduler_execution_log as l
                where l.withdraws = p.job_run_id and l.status = 'completed' and l.resumed_count > 0 and not l.dry_run
            )
        order by p.unforeseen_count desc, p.made_at desc
        limit 1
    )

    select
        h.held_count, n.job_run_id, n.made_at, n.plan_hash,
        exists (select from public.plan_approvals as a where a.job_run_id = n.job_run_id),
        coalesce((select u.unforeseen_count from unforeseen as u), 0)::bigint, (select u.job_run_id from unforeseen as u)
    from held as h left join newest as n on true
$$;
comment on function public.get_brake_figures is
'The mentors who are held now, and those whom the runs of a night paused unforeseen, above the limits.';
revoke execute on function public.get_brake_figures from public, anon, authenticated;
grant execute on function public.get_brake_figures to service_role, mentor_pause_job;

-- What the page of one run shows (C4): one JSON object; null if there is no such run, or none that the caller may see.
--
-- paused, resumed and held are of the caller's mentors: together at most 200 in id order, after p_after. next_after is p_after
-- of the next page; null: this is the last one. held is what the run's own plan holds. For an administrator, paused of a dry
-- run is what its plan would pause; coordinators see no plan of a dry run. approval is for administrators alone.
-- Called by: the console, for members.
-- Errors: PT403 not_a_member.

create or replace function public.get_check(p_org_id uuid, p_job_run_id uuid, p_after uuid default null)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $$
declare
    v_is_admin constant boolean := private.assert_member(p_org_id) = 'admin';
    v_check record;
    v_mine uuid [];
    v_lists jsonb;
begin
    select * into v_check from private.shown_checks(p_org_id, p_job_run_id, null, 1);
    if v_check.id is null then
        return null;
    end if;
    v_mine := array(select private.my_org_mentors(p_org_id));
    with listed as materialized (
        select h.mentor_id, case h.new_status when 'paused' then 'paused' else 'resumed' end as list,
            h.certification_expiry_date as expires_on, null as why
        from public.peer_mentor_status_history as h
        where h.job_run_id = p_job_run_id and h.org_id = p_org_id and h.mentor_id = any(v_mine)
        union all
        select e.mentor_id, case e.action when 'hold' then 'held' else 'paused' end, e.expires_on, e.why
        from public.plan_mentors as e
        inner join public.plans as p on p.job_run_id = e.job_run_id
        where e.job_run_id = p_job_run_id and p.org_id = p_org_id and p.plan_hash is not null and e.mentor_id = any(v_mine)
            and case when p.dry_run then v_is_admin else e.action = 'hold' end
    ),

    page as (
        select x.* from listed as x
        where x.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        order by x.mentor_id, x.list limit 201
    ),

    shown as (
        select
            x.mentor_id, x.list, row_number() over (order by x.mentor_id, x.list) as place,
            jsonb_strip_nulls(jsonb_build_object('why', x.why)) || jsonb_build_object(
                'mentor_id', x.mentor_id, 'display_name', k.display_name, 'expires_on', private.clamp_day(x.expires_on)
            ) as entry
        from page as x left join public.mentor_contacts as k on k.mentor_id = x.mentor_id
    )

    select jsonb_build_object(
        'paused', coalesce(jsonb_agg(s.entry order by s.place) filter (where s.list = 'paused' and s.place <= 200), '[]'),
        'resumed', coalesce(jsonb_agg(s.entry order by s.place) filter (where s.list = 'resumed' and s.place <= 200), '[]'),
        'held', coalesce(jsonb_agg(s.entry order by s.place) filter (where s.list = 'held' and s.place <= 200), '[]'),
        'next_after', case when count(*) > 200 then max(s.mentor_id::text) filter (where s.place = 200) end,
        'paused_total', (select count(*) from listed as x where x.list = 'paused'),
        'resumed_total', (select count(*) from listed as x where x.list = 'resumed'),
        'held_total', (select count(*) from listed as x where x.list = 'held')
    ) into v_lists
    from shown as s;

    return v_lists || jsonb_build_object(
        'check', to_jsonb(v_check),
        'approval', case when v_is_admin then (
            select jsonb_build_object('approved_at', a.approved_at, 'note', a.note)
            from public.plan_approvals as a
            where a.job_run_id = coalesce(v_check.plan_of, p_job_run_id) and a.org_id = p_org_id
        ) end,
        'is_withdrawable', private.is_withdrawable(v_check.job_name, v_check.dry_run, v_check.status)
    );
end
$$;
comment on function public.get_check is
'What the page of one run shows, as one JSON object; null if there is no such run.';
revoke execute on function public.get_check from public, anon, authenticated, service_role;
grant execute on function public.get_check to authenticated;

-- One run's row of the log, for the caller who started it (O3). A run that the dispatcher refused never
-- began; then this is the row of the refusal.
-- Called by: the HTTP entry.
-- Errors: 42501 not_your_organisation.

create or replace function public.get_execution(p_org_id uuid, p_job_run_id uuid)
returns setof public.scheduler_execution_log
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select l.*
    from public.scheduler_execution_log as l
    where l.job_run_id = p_job_run_id and l.org_id = p_org_id
    order by l.status in ('running', 'completed', 'failed') desc, l.id desc
    limit 1
$$;
comment on function public.get_execution is
'The log row of a run; the row of the refusal if the run never began; no row if the run is unknown.';
revoke execute on function public.get_execution from public, anon, authenticated;
grant execute on function public.get_execution to service_role, mentor_pause_api;

-- The newest plan, if it holds or held anybody (C4, G3): its figures, its approval, and one page of its held mentors in id order, at most
-- 200 after p_after. why is why the pause is unforeseen; changed_from, changed_at and changed_by are of the last change of a
-- certification to an earlier day; has_changed: the mentor is not as the plan says any more. is_own_run: the caller asked for
-- the run, so another person has to approve the plan.
-- Called by: the console, for administrators.
-- Errors: PT403 not_an_administrator.

create or replace function public.get_held(p_org_id uuid, p_after uuid default null)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_plan public.plans;
    v_held jsonb;
begin
    perform private.assert_administrator(p_org_id);
    select * into v_plan from public.plans as p where p.job_run_id = private.newest_plan(p_org_id) and p.held_count > 0;
    with held as materialized (
        select e.* from private.held_entries(v_plan.job_run_id) as e
    ),

    page as (
        select e.*, row_number() over (order by e.mentor_id) as place
        from held as e
        where e.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        order by e.mentor_id limit 201
    )

    select jsonb_build_object(
        'changed_count', (select count(*) from held as e where e.has_changed),
        'next_after', case when count(*) > 200 then max(e.mentor_id::text) filter (where e.place = 200) end,
        'mentors', coalesce(jsonb_agg(jsonb_build_object(
            'mentor_id', e.mentor_id, 'display_name', k.display_name, 'expires_on', e.expires_on, 'why', e.why,
            'changed_from', private.clamp_day(c.from_expires_on), 'changed_at', c.changed_at, 'changed_by', c.changed_by,
            'has_changed', e.has_changed
        ) order by e.place) filter (where e.place <= 200), '[]')
    ) into v_held
    from page as e
    left join public.mentor_contacts as k on k.mentor_id = e.mentor_id
    left join lateral (
        select x.* from public.certification_changes as x where x.mentor_id = e.mentor_id order by x.id desc limit 1
    ) as c on true;

    return v_held || jsonb_build_object('plan', case when v_plan.job_run_id is not null then (
        select jsonb_build_object(
            'job_run_id', v_plan.job_run_id, 'plan_hash', v_plan.plan_hash, 'as_of', v_plan.as_of, 'made_at', v_plan.made_at,
            'planned_count', v_plan.planned_count, 'unforeseen_count', v_plan.unforeseen_count,
            'held_count', v_plan.held_count, 'brake_count', v_plan.brake_count, 'brake_percent', v_plan.brake_percent,
            'active_count', v_plan.active_count, 'approved_at', a.approved_at, 'approval_note', a.note,
            'has_release', exists (
                select from public.scheduler_execution_log as l
                where l.org_id = p_org_id and l.plan_of = v_plan.job_run_id and l.approved_by is not null
                    and l.status in ('running', 'completed')
            ),
            'is_own_run', exists (
                select from public.scheduler_execution_log as l
                where l.job_run_id = v_plan.job_run_id and l.trigger = 'manual'
                    and l.triggered_by = 'user ' || private.user_id()
            )
        )
        from (select v_plan.job_run_id) as newest (job_run_id)
        left join public.plan_approvals as a on a.job_run_id = newest.job_run_id
    ) end);
end
$$;
comment on function public.get_held is
'The newest plan with its held mentors, as one JSON object.';
revoke execute on function public.get_held from public, anon, authenticated, service_role;
grant execute on function public.get_held to authenticated;

-- A user's role in an organisation (O3): administrators and coordinators may start a run by hand.
-- Called by: the HTTP entry, once per request, with the user id of a token that it has verified.
-- Errors: 42501 not_your_organisation.

create or replace function public.get_member_role(p_org_id uuid, p_user_id uuid)
returns text
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select o.role from public.org_members as o where o.org_id = p_org_id and o.user_id = p_user_id
$$;
comment on function public.get_member_role is
'admin or coordinator; null: the user is not a member of the organisation.';
revoke execute on function public.get_member_role from public, anon, authenticated;
grant execute on function public.get_member_role to service_role, mentor_pause_api;

-- What the page of one mentor shows (C3): one JSON object, with the story of explain_mentor and the newest 50 changes of status.
-- may_change: the person is the mentor, or a responsible coordinator. It names nobody who made a change: by is a kind of
-- caller. The note of an approval says why the mentor was paused, so whoever may see the mentor reads it.
-- Called by: the console, for people who may see the mentor.
-- Errors: PT403 not_yours, also if there is no such mentor.

create or replace function public.get_mentor_page(p_org_id uuid, p_mentor_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_mentor public.peer_mentors;
    v_contact public.mentor_contacts;
begin
    if private.sees_mentor(private.user_id(), p_mentor_id, p_org_id) then
        select * into v_mentor from public.peer_mentors as m where m.id = p_mentor_id and m.org_id = p_org_id;
    end if;
    if v_mentor.id is null then
        perform private.refuse_mentor();
    end if;
    select * into v_contact from public.mentor_contacts as k where k.mentor_id = p_mentor_id;
    return jsonb_build_object(
        'mentor_id', v_mentor.id, 'display_name', v_contact.display_name, 'status', v_mentor.status,
        'version', v_mentor.version,
        'expires_on', (
            select private.clamp_day(max(c.expires_on)) from public.certifications as c where c.mentor_id = p_mentor_id
        ),
        'may_change', private.may_change(p_mentor_id),
        'is_me', coalesce(v_mentor.user_id = private.user_id(), false),
        'unreachable', case when v_mentor.status <> 'inactive' then private.why_unreachable(p_org_id, v_contact.email) end,
        'explanation', public.explain_mentor(p_mentor_id, p_org_id),
        'history', coalesce((
            select jsonb_agg(jsonb_build_object(
                'at', h.changed_at, 'from', h.previous_status, 'to', h.new_status, 'reason', h.reason,
                'by', h.changed_by_role, 'is_me', coalesce(h.changed_by = private.user_id(), false),
                'expires_on', private.clamp_day(h.certification_expiry_date),
                'approval_note', h.approval_note
            ) order by h.id desc)
            from (
                select x.* from public.peer_mentor_status_history as x
                where x.mentor_id = p_mentor_id order by x.id desc limit 50
            ) as h
        ), '[]')
    );
end
$$;
comment on function public.get_mentor_page is
'What the page of one mentor shows, as one JSON object.';
revoke execute on function public.get_mentor_page from public, anon, authenticated, service_role;
grant execute on function public.get_mentor_page to authenticated;

-- One mentor's status and version (S2), to be read before a change.
-- Called by: the app, for people who may see the mentor; the command line, for services.
-- Errors: PT403 the mentor is not the caller's, also if there is no such mentor; PT404 for services.

create or replace function public.get_mentor_status(p_mentor_id uuid, p_org_id uuid)
returns table (
    mentor_id uuid,
    status text,
    version integer,
    status_changed_at timestamptz,
    certification_expiry_date date
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- Checked before the row is read, so that a caller without the right cannot tell whether it exists.
    if private.may_change(p_mentor_id) or p_org_id in (select private.my_admin_orgs()) then
        return query
        select
            m.id, m.status, m.version, m.status_changed_at,
            private.clamp_day(
                (select max(c.expires_on) from public.certifications as c where c.mentor_id = m.id)
            )
        from public.peer_mentors as m
        where m.id = p_mentor_id and m.org_id = p_org_id;
    end if;
    if not found then
        perform private.refuse_mentor();
    end if;
end
$$;
comment on function public.get_mentor_status is
'A mentor''s status, version and latest expiry date, for those who may see it.';
revoke execute on function public.get_mentor_status from public, anon, authenticated;
grant execute on function public.get_mentor_status to authenticated, service_role;

-- The figures of the metrics about messages (W7): messages that have waited for more than an hour though they could leave,
-- and the digests of the last 24 hours that bounced, that SES suppressed or a person complained about, or whose answer
-- was lost; and the messages of the last seven days to people without an address.
-- Called by: the monitor; the command line.
-- Errors: 42501 not_your_organisation.

create or replace function public.get_message_figures(p_org_id uuid)
returns table (
    undelivered_count bigint, bounced_count bigint, complained_count bigint, unknown_count bigint, no_address_count bigint
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    with ended as (
        select d.state
        from public.digests as d
        where d.org_id = p_org_id and d.changed_at > clock_timestamp() - interval '1 day'
    )

    select
        (
            select count(*)
            from public.messages as m
            where m.org_id = p_org_id and m.state = 'pending' and m.expected_at < clock_timestamp() - interval '1 hour'
        ),
        (select count(*) from ended as e where e.state in ('bounced', 'suppressed')),
        (select count(*) from ended as e where e.state = 'complained'),
        (select count(*) from ended as e where e.state = 'unknown'),
        (
            select count(*)
            from public.messages as m
            where m.org_id = p_org_id and m.state = 'no_address'
        )
$$;
comment on function public.get_message_figures is 'How many messages wait, bounced, brought a complaint, are unknown, or have no address.';
revoke execute on function public.get_message_figures from public, anon, authenticated;
grant execute on function public.get_message_figures to service_role, mentor_pause_job;

-- Who the signed-in person is in an organisation (C1): the role, the person as a mentor, the name, the language, and how many own
-- messages are unread (at most 100). Somebody whom the organisation does not know gets nulls, and the day of Europe/Oslo; so do
-- all if there is no such organisation.
-- Called by: the console, for people.
-- Errors: none.

create or replace function public.get_my_access(p_org_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_role constant text := private.my_role(p_org_id);
    v_mentor_id uuid;
    v_name text;
    v_language text;
    v_zone text := 'Europe/Oslo';
begin
    select m.id into v_mentor_id from public.peer_mentors as m
    where m.user_id = private.user_id() and m.org_id = p_org_id order by m.id limit 1;
    if v_role is not null or v_mentor_id is not null then
        select o.time_zone into v_zone from public.organisations as o where o.id = p_org_id;
    end if;
    select c.display_name, case when c.language ~* '^en\M' then 'en' else 'nb' end into v_name, v_language
    from (
        select k.display_name, k.language, 1 as place from public.member_contacts as k
        where k.org_id = p_org_id and k.user_id = private.user_id()
        union all
        select k.display_name, k.language, 2 from public.mentor_contacts as k where k.mentor_id = v_mentor_id
    ) as c
    order by c.place limit 1;
    return jsonb_build_object(
        'user_id', private.user_id(), 'role', v_role, 'mentor_id', v_mentor_id, 'display_name', v_name, 'language', v_language,
        'today', (statement_timestamp() at time zone v_zone)::date, 'time_zone', v_zone,
        'unread', (
            select count(*) from (
                select from private.my_person_ids() as mine (person_id)
                inner join public.messages as m on m.person_id = mine.person_id
                where m.read_at is null and m.reminder = 0
                    and (m.audience = 'mentor' or m.org_id in (select private.my_memberships()))
                limit 100
            ) as unread
        )
    );
end
$$;
comment on function public.get_my_access is
'Who the caller is in an organisation, and how many own messages are unread, as one JSON object.';
revoke execute on function public.get_my_access from public, anon, authenticated, service_role;
grant execute on function public.get_my_access to authenticated;

-- Returns the organisation's day at a given moment (O1). A mentor whose certification had expired by the day
-- of the last nightly run should be paused. A mentor whose certification expires on a later day need not be.
-- Called by: the monitor.
-- Errors: 42501 not_your_organisation, 22023 p_at is out of bounds.

create or replace function public.get_org_day(p_org_id uuid, p_at timestamptz)
returns date
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_timestamp('p_at', p_at);
    select (p_at at time zone o.time_zone)::date
    from public.organisations as o where o.id = p_org_id
$$;
comment on function public.get_org_day is
'The day at a moment in the organisation''s time zone; null if there is no such organisation.';
revoke execute on function public.get_org_day from public, anon, authenticated;
grant execute on function public.get_org_day to service_role, mentor_pause_job;

-- The plan of a run (G1): its hash, its limits, its counts, and who approved it. is_newest: it has not lapsed. Its mentors:
-- list_plan. A coordinator sees "a person" in place of the approver, and no note.
-- Called by: the HTTP entry, the command line; the console, for administrators and coordinators.
-- Errors: 42501 not_your_organisation; PT403 the person is no member of the organisation.

create or replace function public.get_plan(p_org_id uuid, p_job_run_id uuid)
returns table (
    job_run_id uuid,
    as_of date,
    dry_run boolean,
    made_at timestamptz,
    plan_hash text,
    brake_mode text,
    brake_count integer,
    brake_percent numeric,
    brake_acts boolean,
    active_count integer,
    planned_count integer,
    unforeseen_count integer,
    held_count integer,
    is_newest boolean,
    approved_by text,
    approved_at timestamptz,
    approval_note text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_sees_names constant boolean := private.caller() <> 'person' or p_org_id in (select private.my_admin_orgs());
begin
    perform private.assert_job_org(p_org_id);
    if private.caller() = 'person' and p_org_id not in (select private.my_memberships()) then
        raise exception 'not your organisation' using errcode = 'PT403', hint = 'not_yours',
            detail = 'only members of the organisation see its plans';
    end if;
    return query
    select
        p.job_run_id, p.as_of, p.dry_run, p.made_at, p.plan_hash, p.brake_mode, p.brake_count, p.brake_percent, p.brake_acts,
        p.active_count, p.planned_count, p.unforeseen_count, p.held_count,
        exists (
            select from public.plans as n
            where n.job_run_id = private.newest_plan(p_org_id) and n.plan_hash = p.plan_hash
        ),
        private.shown_name(a.approved_by, v_sees_names), a.approved_at, case when v_sees_names then a.note end
    from public.plans as p
    left join public.plan_approvals as a on a.job_run_id = p.job_run_id
    where p.job_run_id = p_job_run_id and p.org_id = p_org_id and p.plan_hash is not null;
end
$$;
comment on function public.get_plan is 'A run''s plan: hash, limits, counts and approval; no row: the run has no plan.';
revoke execute on function public.get_plan from public, anon, authenticated;
grant execute on function public.get_plan to authenticated, service_role, mentor_pause_job, mentor_pause_api;

-- Says how recent a job's runs are (O1): when the last complete run ended, the latest day of those runs, the
-- hours since, and the errors about one night.
--
--   * private.complete_runs says which runs count.
--   * The present moment is the later of p_at, the caller's clock, and the database's own clock. A row with
--     a later end was written by a clock that was ahead; it does not count yet.
--   * The database computes the hours, so they are never negative.
--   * night_error_count is the smallest number of errors among the runs for p_as_of or a later day.
--
-- Called by: the monitor; workers that check whether the database answers, without p_as_of and p_at.
-- Errors: 42501 not_your_organisation, 22023 an argument is out of bounds.

create or replace function public.get_run_freshness(
    p_org_id uuid, p_job_name text, p_as_of date default null, p_at timestamptz default null
)
returns table (
    last_finished_at timestamptz,
    last_as_of date,
    hours_since_completed_run double precision,
    night_error_count integer
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_length('p_job_name', p_job_name, 100);
    select private.assert_date('p_as_of', p_as_of);
    select private.assert_timestamp('p_at', p_at);
    with present as (
        select greatest(p_at, clock_timestamp()) as moment
    )

    select
        max(l.finished_at),
        max(l.as_of),
        extract(epoch from max(p.moment) - max(l.finished_at))::double precision / 3600,
        min(l.error_count) filter (where l.as_of >= p_as_of)
    from present as p
    cross join lateral private.complete_runs(p_org_id, p_job_name, p.moment) as l
$$;
comment on function public.get_run_freshness is
'When a job''s last complete run ended, the latest day of its runs, the hours since, and the errors for p_as_of; nulls if no run counts.';
revoke execute on function public.get_run_freshness from public, anon, authenticated;
grant execute on function public.get_run_freshness to service_role, mentor_pause_job;

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

-- How the portal and the database differ (C4, H5), in two parts. waiting: the mentors whose present state has not reached the
-- portal, so that the next sync sends them. differences: what the last measurement found (record_portal_drift); it may be a
-- day old. Each list has at most 200 entries; its count includes them all. last_sync is the newest sync that has ended.
-- Called by: the console, for administrators.
-- Errors: PT403 not_an_administrator.

create or replace function public.get_website(p_org_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_waiting uuid [];
    v_measured public.portal_differences;
begin
    perform private.assert_administrator(p_org_id);
    v_waiting := array(
        select m.id from public.peer_mentors as m
        left join public.portal_sync_state as s on s.mentor_id = m.id
        where m.org_id = p_org_id and s.synced_version is distinct from m.version
        order by m.id
    );
    select * into v_measured from public.portal_differences as d where d.org_id = p_org_id;
    return jsonb_build_object(
        'waiting_count', cardinality(v_waiting),
        'waiting', coalesce((
            select jsonb_agg(jsonb_build_object(
                'mentor_id', s.mentor_id, 'display_name', k.display_name, 'status', s.status, 'since', s.differs_since
            ) order by s.mentor_id)
            from public.list_portal_states(p_org_id, v_waiting[:200]) as s
            left join public.mentor_contacts as k on k.mentor_id = s.mentor_id
        ), '[]'),
        'measured_at', v_measured.measured_at,
        'differing_count', coalesce(v_measured.differing_count, 0),
        'differences', coalesce((
            select jsonb_agg(jsonb_build_object('display_name', k.display_name) || d.entry order by d.place)
            from jsonb_array_elements(v_measured.differences) with ordinality as d (entry, place)
            left join public.peer_mentors as m on m.id = (d.entry ->> 'mentor_id')::uuid and m.org_id = p_org_id
            left join public.mentor_contacts as k on k.mentor_id = m.id
            where d.place <= 200
        ), '[]'),
        'last_sync', (
            select jsonb_build_object('job_run_id', l.job_run_id, 'finished_at', l.finished_at, 'status', l.status)
            from public.scheduler_execution_log as l
            where l.org_id = p_org_id and l.job_name = 'hlf_sync' and l.status in ('completed', 'failed') and not l.dry_run
            order by l.id desc limit 1
        )
    );
end
$$;
comment on function public.get_website is
'How the portal and the database differ, and whom the next sync sends, as one JSON object.';
revoke execute on function public.get_website from public, anon, authenticated, service_role;
grant execute on function public.get_website to authenticated;

-- How many of the caller's mentors the job paused, were warned and were renewed in each of the last 26 weeks (C2), the oldest week
-- first. A week begins on Monday in the organisation's time zone. A mentor counts once in a week. Renewed are the mentors whose
-- certification a sync run of that week has renewed.
-- Called by: the console, for members.
-- Errors: PT403 not_a_member.

create or replace function public.get_weekly_figures(p_org_id uuid)
returns table (week date, paused integer, warned integer, renewed integer)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $$
#variable_conflict use_column
declare
    v_zone text;
    v_first date;
    v_mine uuid [];
begin
    perform private.assert_member(p_org_id);
    select o.time_zone into v_zone from public.organisations as o where o.id = p_org_id;
    v_first := date_trunc('week', private.org_today(p_org_id)::timestamp)::date - 25 * 7;
    v_mine := array(select private.my_org_mentors(p_org_id));
    return query
    with events as (
        select 'paused' as kind, h.mentor_id, (h.changed_at at time zone v_zone)::date as day
        from unnest(v_mine) as mine (id)
        inner join public.peer_mentor_status_history as h on h.mentor_id = mine.id
        where h.reason = 'certification_expired' and h.new_status = 'paused'
            and h.changed_at >= v_first::timestamp at time zone v_zone
        union all
        select 'warned', w.mentor_id, w.warned_on
        from unnest(v_mine) as mine (id)
        inner join public.warnings as w on w.mentor_id = mine.id
        where w.warned_on >= v_first
        union all
        select 'renewed', c.mentor_id, (l.started_at at time zone v_zone)::date
        from public.scheduler_execution_log as l
        inner join public.certifications as c on c.job_run_id = l.job_run_id
        inner join unnest(v_mine) as mine (id) on mine.id = c.mentor_id
        where l.org_id = p_org_id and l.status in ('running', 'completed', 'failed')
            and l.started_at >= v_first::timestamp at time zone v_zone
    ),

    weekly as (
        select
            date_trunc('week', e.day::timestamp)::date as week,
            count(distinct e.mentor_id) filter (where e.kind = 'paused') as paused,
            count(distinct e.mentor_id) filter (where e.kind = 'warned') as warned,
            count(distinct e.mentor_id) filter (where e.kind = 'renewed') as renewed
        from events as e
        group by 1
    )

    select
        v_first + 7 * i.week, coalesce(f.paused, 0)::integer, coalesce(f.warned, 0)::integer, coalesce(f.renewed, 0)::integer
    from generate_series(0, 25) as i (week)
    left join weekly as f on f.week = v_first + 7 * i.week
    order by i.week;
end
$$;
comment on function public.get_weekly_figures is
'How many of the caller''s mentors were paused by the job, warned and renewed, in each of the last 26 weeks.';
revoke execute on function public.get_weekly_figures from public, anon, authenticated, service_role;
grant execute on function public.get_weekly_figures to authenticated;

-- One keyset page of the state that the portal should hold for every mentor. The drift measurement compares
-- it with the portal (H5).
-- Called by: the drift measurement.
-- Errors: 42501 not_your_organisation, 22023 p_limit is out of bounds.

create or replace function public.list_all_portal_states(p_org_id uuid, p_after uuid, p_limit integer)
returns table (
    mentor_id uuid,
    portal_key text,
    status text,
    reason text,
    effective_on date,
    version integer,
    is_synced boolean,
    synced_by uuid,
    differs_since timestamptz
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_between('p_limit', coalesce(p_limit, 0), 1, 500);
    select s.*
    from public.list_portal_states(
        p_org_id,
        array(
            select m.id
            from public.peer_mentors as m
            where m.org_id = p_org_id and m.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
            order by m.id
            limit p_limit
        )
    ) as s
    order by s.mentor_id
$$;
comment on function public.list_all_portal_states is
'The state that the portal should hold for every mentor, in id order, after p_after.';
revoke execute on function public.list_all_portal_states from public, anon, authenticated;
grant execute on function public.list_all_portal_states to service_role, portal_sync;

-- One keyset page of the runs and of the run requests (C4), newest first; p_before is the last id of the page before. Who sees
-- what is explained in private.shown_checks.
-- Called by: the console, for members.
-- Errors: PT403 not_a_member, 22023 p_limit is out of bounds.

create or replace function public.list_checks(
    p_org_id uuid, p_before bigint default null, p_limit integer default 30
)
returns table (
    id bigint,
    job_run_id uuid,
    job_name text,
    status text,
    trigger text,
    by text,
    as_of date,
    dry_run boolean,
    started_at timestamptz,
    finished_at timestamptz,
    processed_count integer,
    paused_count integer,
    resumed_count integer,
    synced_count integer,
    skipped_count integer,
    error_count integer,
    unforeseen_count integer,
    held_count integer,
    renewed_count integer,
    redrive_of uuid,
    plan_of uuid,
    withdraws uuid,
    error text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform private.assert_member(p_org_id);
    perform private.assert_limit(p_limit);
    return query select * from private.shown_checks(p_org_id, null, p_before, p_limit);
end
$$;
comment on function public.list_checks is
'One page of the runs and of the run requests, as the caller sees them, newest first.';
revoke execute on function public.list_checks from public, anon, authenticated, service_role;
grant execute on function public.list_checks to authenticated;

-- The newest rows of the execution log, for people (O3). The HTTP entry sees no rows without an organisation.
-- Called by: the HTTP entry; the command line.
-- Errors: 42501 not_your_organisation, 22023 p_limit is out of bounds.

create or replace function public.list_executions(p_org_id uuid, p_limit integer)
returns setof public.scheduler_execution_log
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_limit(p_limit);
    select l.*
    from public.scheduler_execution_log as l
    where l.org_id = p_org_id or (l.org_id is null and private.caller() in ('job', 'service'))
    order by l.started_at desc, l.id desc
    limit p_limit
$$;
comment on function public.list_executions is 'The newest run requests and their results, newest first.';
revoke execute on function public.list_executions from public, anon, authenticated;
grant execute on function public.list_executions to service_role, mentor_pause_job, mentor_pause_api;

-- One keyset page of the active mentors whose latest certification expired on or before p_as_of (E1, D7).
-- It does not know the brake (G2): the runs list from their plan (make_plan).
-- Called by: an adopter who compares their own data with it.
-- Errors: 42501 not_your_organisation, 22023 an argument is out of bounds.

create or replace function public.list_expired_mentors(p_org_id uuid, p_as_of date, p_after uuid, p_limit integer)
returns table (mentor_id uuid)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select e.mentor_id
    from private.expired_mentors(p_org_id, p_as_of, p_after, private.page_limit(p_org_id, p_as_of, p_limit)) as e
$$;
comment on function public.list_expired_mentors is
'Active mentors with an expired certification, in id order, after p_after (null for the first page).';
revoke execute on function public.list_expired_mentors from public, anon, authenticated;
grant execute on function public.list_expired_mentors to service_role, mentor_pause_job;

-- The messages of an organisation for operators (W7), the newest first: to whom, about what, how far the delivery has
-- come, and how many mentors each is about. With p_undelivered only those that did not arrive and are not outdated, or
-- that have waited for more than an hour. It names no address. It pages by keyset: p_before is the last id of the page
-- before.
-- Called by: the command line.
-- Errors: 42501 not_your_organisation, 22023 p_limit is out of bounds.

create or replace function public.list_messages(
    p_org_id uuid, p_undelivered boolean default false, p_before bigint default null, p_limit integer default 50
)
returns table (
    id bigint,
    audience text,
    person_id uuid,
    kind text,
    mentor_count integer,
    state text,
    reason text,
    created_at timestamptz,
    due_at timestamptz,
    changed_at timestamptz
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_limit(p_limit);
    select m.id, m.audience, m.person_id, m.kind, cardinality(m.mentor_ids), m.state, coalesce(d.reason, m.refusal),
        m.created_at, m.due_at, d.changed_at
    from public.messages as m
    left join public.digests as d on d.id = m.digest_id
    where m.org_id = p_org_id and m.id < coalesce(p_before, 9223372036854775807)
        and (
            p_undelivered is not true
            or m.state in ('bounced', 'complained', 'suppressed', 'unknown', 'no_address')
            or (m.state in ('pending', 'sending') and m.expected_at < clock_timestamp() - interval '1 hour')
        )
    order by m.id desc
    limit p_limit
$$;
comment on function public.list_messages is 'Messages of an organisation, newest first; with p_undelivered those that did not arrive.';
revoke execute on function public.list_messages from public, anon, authenticated;
grant execute on function public.list_messages to service_role, mentor_pause_job;

-- The nights without a completed run (G7), newest first: of the 30 days up to p_as_of, each day for which no complete
-- certification expiry run ended well. A later run pauses the mentors of a missed night, but they were visible until then.
-- Days before the organisation's first completed run do not count.
-- Called by: the command line.
-- Errors: 42501 not_your_organisation, 22023 p_as_of is out of bounds.

create or replace function public.list_missed_nights(p_org_id uuid, p_as_of date)
returns table (as_of date)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_date('p_as_of', p_as_of);
    with nights as (
        select distinct l.as_of
        from public.scheduler_execution_log as l
        where l.org_id = p_org_id and l.job_name = 'certification_expiry' and l.status = 'completed'
            and not l.dry_run and l.redrive_of is null and l.plan_of is null
    )

    select p_as_of - back.days
    from generate_series(0, 29) as back (days)
    where p_as_of - back.days > (select min(n.as_of) from nights as n)
        and p_as_of - back.days not in (select n.as_of from nights as n where n.as_of is not null)
    order by back.days
$$;
comment on function public.list_missed_nights is 'The days without a completed certification expiry run, of the last 30, newest first.';
revoke execute on function public.list_missed_nights from public, anon, authenticated;
grant execute on function public.list_missed_nights to service_role, mentor_pause_job;

-- One keyset page of the caller's mentors (C2), by name: an administrator's are all of the organisation. next_step is explained
-- in private.shown_mentors. A mentor without a name sorts first, and the letters of
-- Norwegian last, in the order of its alphabet; this needs no collation that only some servers have. total_count counts all mentors that match.
--
-- p_search is a part of the name in any case, or the beginning of the portal's key, or of the mentor's id with or without dashes
-- (at least 4 digits). The characters %, _ and \ have no special meaning. p_after_id is the last mentor of the
-- page before; the place of that mentor is looked up, so that no address of a page needs to hold a name.
-- Called by: the console, for members.
-- Errors: PT403 not_a_member; 22023 an argument is out of bounds, or p_show is unknown.

create or replace function public.list_my_mentors(
    p_org_id uuid,
    p_search text default null,
    p_show text default 'all',
    p_after_id uuid default null,
    p_limit integer default 50
)
returns table (
    mentor_id uuid,
    display_name text,
    status text,
    version integer,
    expires_on date,
    next_step text,
    total_count bigint
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $$
#variable_conflict use_column
declare
    v_search constant text := lower(btrim(coalesce(p_search, '')));
    v_digits text := replace(v_search, '-', '');
    v_after constant text := (
        select translate(lower(k.display_name collate private.folding), 'æäøöå', '{{||}')
        from public.mentor_contacts as k
        where k.mentor_id = p_after_id and p_after_id in (select private.my_org_mentors(p_org_id))
    );
    v_chosen uuid [];
begin
    perform private.assert_member(p_org_id);
    perform private.assert_limit(p_limit);
    perform private.assert_length('p_search', p_search, 200);
    if v_digits !~ '^[0-9a-f]{4,32}$' then
        v_digits := null;
    end if;
    if p_show = 'paused_tonight' then
        v_chosen := array(select private.paused_tonight(p_org_id));
    elsif p_show = 'unreachable' then
        v_chosen := array(select u.mentor_id from private.my_unreachable_mentors(p_org_id) as u);
    elsif p_show is null or p_show not in (
        'all', 'active', 'paused', 'inactive', 'expiring', 'will_be_paused', 'held', 'set_active'
    ) then
        raise exception 'p_show is unknown' using errcode = '22023',
            detail = 'all, active, paused, inactive, paused_tonight, expiring, will_be_paused, held, unreachable or set_active';
    end if;
    return query
    with found as materialized (
        select m.*, translate(lower(coalesce(m.display_name, '') collate private.folding), 'æäøöå', '{{||}') collate "C" as sorted_by
        from private.shown_mentors(p_org_id) as m
        where (
            p_show = 'all' or m.status = p_show or m.mentor_id = any(v_chosen)
            or m.next_step = case p_show when 'expiring' then 'renew_soon' else p_show end
        ) and (
            v_search = '' or position(v_search in lower(m.display_name)) > 0
            or starts_with(lower(m.portal_key), v_search) or starts_with(replace(m.mentor_id::text, '-', ''), v_digits)
        )
    )

    select
        m.mentor_id, m.display_name, m.status, m.version, private.clamp_day(m.expires_on), m.next_step,
        (select count(*) from found)
    from (
        select f.* from found as f
        where p_after_id is null or (f.sorted_by, f.mentor_id) > (coalesce(v_after, ''), p_after_id)
        order by f.sorted_by, f.mentor_id
        limit p_limit
    ) as m
    order by m.sorted_by, m.mentor_id;
end
$$;
comment on function public.list_my_mentors is
'One page of the caller''s mentors by name, with the next step of each, and how many match.';
revoke execute on function public.list_my_mentors from public, anon, authenticated, service_role;
grant execute on function public.list_my_mentors to authenticated;

-- The caller's own messages (W3), the newest first: what a mentor or a coordinator was informed of, with or without e-mail. It
-- reads an index for each id by which messages name the caller, so a page costs the same with any number of messages. It
-- pages by keyset: p_before is the last id of the page before. An administrator who asks gets their own messages only.
-- Called by: the app and the console, for people.
-- Errors: 22023 p_limit is out of bounds.

create or replace function public.list_my_messages(p_before bigint default null, p_limit integer default 50)
returns table (
    id bigint,
    org_id uuid,
    audience text,
    kind text,
    mentor_ids uuid [],
    expires_on date,
    job_run_id uuid,
    created_at timestamptz,
    read_at timestamptz,
    state text
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_limit(p_limit);
    select m.id, m.org_id, m.audience, m.kind, m.mentor_ids, m.expires_on, m.job_run_id, m.created_at, m.read_at, m.state
    from private.my_person_ids() as mine (person_id)
    cross join lateral (
        select x.*
        from public.messages as x
        where x.person_id = mine.person_id and x.reminder = 0 and x.id < coalesce(p_before, 9223372036854775807)
            and (x.audience = 'mentor' or x.org_id in (select private.my_memberships()))
        order by x.id desc
        limit p_limit
    ) as m
    order by m.id desc
    limit p_limit
$$;
comment on function public.list_my_messages is 'The caller''s own messages, newest first.';
revoke execute on function public.list_my_messages from public, anon, authenticated, service_role;
grant execute on function public.list_my_messages to authenticated;

-- The names of mentors (C2). It leaves out mentors whom the caller may not see, and ids of nobody.
-- Called by: the console, for people.
-- Errors: 22023 more than 500 ids.

create or replace function public.list_names(p_org_id uuid, p_mentor_ids uuid [])
returns table (mentor_id uuid, display_name text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_me constant uuid := private.user_id();
    v_is_admin constant boolean := private.my_role(p_org_id) is not distinct from 'admin';
begin
    perform private.assert_array_size('p_mentor_ids', cardinality(p_mentor_ids));
    return query
    select m.id, k.display_name
    from public.peer_mentors as m
    left join public.mentor_contacts as k on k.mentor_id = m.id
    where m.org_id = p_org_id and m.id = any(p_mentor_ids)
        and (v_is_admin or m.user_id = v_me or m.id in (select private.coordinated_mentors(v_me, m.id, m.id)))
    order by m.id;
end
$$;
comment on function public.list_names is
'The names of those of the given mentors whom the caller may see.';
revoke execute on function public.list_names from public, anon, authenticated, service_role;
grant execute on function public.list_names to authenticated;

-- The mentors whom the runs for a day paused without a warning at least 14 days before (W7), in id order. It pages by
-- keyset: p_after is the last mentor of the page before.
-- Called by: the monitor; the command line.
-- Errors: 42501 not_your_organisation, 22023 an argument is out of bounds.

create or replace function public.list_paused_unwarned(
    p_org_id uuid, p_as_of date, p_after uuid default null, p_limit integer default 1000
)
returns table (mentor_id uuid)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_date('p_as_of', p_as_of);
    select private.assert_limit(p_limit);
    -- Each run's mentors are cut to the page by themselves: an index has them in this order.
    select distinct page.mentor_id
    from public.scheduler_execution_log as l
    cross join lateral (
        select h.mentor_id
        from public.peer_mentor_status_history as h
        where h.job_run_id = l.job_run_id
            and h.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
            and not exists (
                select from public.warnings as w
                where w.mentor_id = h.mentor_id and w.expires_on = h.certification_expiry_date
                    and w.warned_on <= p_as_of - 14
            )
        order by h.mentor_id
        limit p_limit
    ) as page
    where l.org_id = p_org_id and l.as_of = p_as_of and l.job_name = 'certification_expiry'
        and l.started_at > p_as_of - 2 and l.status in ('running', 'completed', 'failed') and not l.dry_run
    order by page.mentor_id
    limit p_limit
$$;
comment on function public.list_paused_unwarned is
'The mentors whom the runs for a day paused, and who were not warned at least 14 days before.';
revoke execute on function public.list_paused_unwarned from public, anon, authenticated;
grant execute on function public.list_paused_unwarned to service_role, mentor_pause_job;

-- One keyset page of the mentors of a run's plan (G1), with their names: for an administrator all, for a coordinator their
-- own. A person who calls the function gets what they may see; the HTTP entry gives the person whose token it has verified
-- (p_user_id), and null for a machine, which sees all.
-- enable_bitmapscan is off because the rows may have just been written and have no statistics yet: PostgreSQL would otherwise
-- read and sort all that is left for each page.
-- Called by: the HTTP entry, the command line, the console.
-- Errors: 42501 not_your_organisation, 22023 p_limit is out of bounds.

create or replace function public.list_plan(
    p_org_id uuid, p_job_run_id uuid, p_user_id uuid default null, p_after uuid default null, p_limit integer default 100
)
returns table (mentor_id uuid, display_name text, expires_on date, action text, why text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
set enable_bitmapscan = 'off'
as $$
#variable_conflict use_column
declare
    v_person constant uuid := case when private.caller() = 'person' then private.user_id() else p_user_id end;
    v_mine uuid [];
    v_sees_all constant boolean := private.caller() <> 'person' and p_user_id is null or exists (
        select from public.org_members as o where o.org_id = p_org_id and o.user_id = v_person and o.role = 'admin'
    );
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_limit(p_limit);
    if not exists (
        select from public.plans as p
        where p.job_run_id = p_job_run_id and p.org_id = p_org_id and p.plan_hash is not null
    ) then
        return;
    end if;
    if not v_sees_all then
        v_mine := array(
            select private.coordinated_mentors(v_person, p_after)
            union
            select m.id from public.peer_mentors as m where m.user_id = v_person and m.org_id = p_org_id
        );
    end if;
    return query
    with page as (
        (
            select e.* from public.plan_mentors as e
            where v_sees_all and e.job_run_id = p_job_run_id
                and e.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
            order by e.mentor_id
            limit p_limit
        )
        union all
        (
            select e.* from public.plan_mentors as e
            where not v_sees_all and e.job_run_id = p_job_run_id and e.mentor_id = any(v_mine)
                and e.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
            order by e.mentor_id
            limit p_limit
        )
    )

    select e.mentor_id, k.display_name, e.expires_on, e.action, e.why
    from page as e
    left join public.mentor_contacts as k on k.mentor_id = e.mentor_id
    order by e.mentor_id;
end
$$;
comment on function public.list_plan is 'The mentors of a run''s plan whom a person may see, in id order, after p_after.';
revoke execute on function public.list_plan from public, anon, authenticated;
grant execute on function public.list_plan to authenticated, service_role, mentor_pause_api;

-- One keyset page of the mentors whom a run is to pause, from its plan (G1): those whom the plan pauses, or, for a run that
-- releases an approved plan, those whom that plan holds (G4).
-- enable_bitmapscan is off because the rows have just been written and have no statistics yet: PostgreSQL would otherwise
-- read and sort all that is left for each page.
-- Called by: the dispatcher, once per page, with the last id of the page before; run_certification_expiry.
-- Errors: PT404 the log has no such run, PT409 the plan is not whole, 42501 not_your_organisation, 22023 p_limit is out of
-- bounds.

create or replace function public.list_planned_mentors(p_job_run_id uuid, p_after uuid, p_limit integer)
returns table (mentor_id uuid)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
set enable_bitmapscan = 'off'
as $$
#variable_conflict use_column
declare
    v_run public.scheduler_execution_log;
    v_plan uuid;
begin
    perform private.run_org(p_job_run_id);
    perform private.assert_limit(p_limit);
    select * into v_run from public.scheduler_execution_log as l
    where l.job_run_id = p_job_run_id and l.status in ('running', 'completed', 'failed');
    v_plan := coalesce(v_run.plan_of, v_run.job_run_id);
    if not exists (select from public.plans as p where p.job_run_id = v_plan and p.plan_hash is not null) then
        raise exception 'the run has no plan' using errcode = case when v_run.id is null then 'PT404' else 'PT409' end,
            detail = 'the dispatcher makes the plan before it lists mentors; plans are kept for 90 days';
    elsif v_run.approved_by is not null then
        return query
        select e.mentor_id from public.plan_mentors as e
        where e.job_run_id = v_plan and e.action = 'hold'
            and e.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        order by e.mentor_id
        limit p_limit;
    else
        return query
        select e.mentor_id from public.plan_mentors as e
        where e.job_run_id = v_plan and e.action = 'pause'
            and e.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        order by e.mentor_id
        limit p_limit;
    end if;
end
$$;
comment on function public.list_planned_mentors is
'The mentors whom a run is to pause by its plan, in id order, after p_after (null for the first page).';
revoke execute on function public.list_planned_mentors from public, anon, authenticated;
grant execute on function public.list_planned_mentors to service_role, mentor_pause_job;

-- One keyset page of the certifications that are mirrored from the portal (H1, H5): all of them, or those
-- that a run's reading has not seen.
-- Called by: the portal worker at the end of its reading; the drift measurement.
-- Errors: 42501 not_your_organisation, 22023 p_limit is out of bounds.

create or replace function public.list_portal_certifications(
    p_org_id uuid, p_after text, p_limit integer, p_unseen_by uuid default null
)
returns table (portal_id text, portal_key text, expires_on date)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_between('p_limit', coalesce(p_limit, 0), 1, 500);
    select c.portal_id, coalesce(m.portal_key, m.id::text), private.clamp_day(c.expires_on)
    from public.certifications as c
    inner join public.peer_mentors as m on m.id = c.mentor_id and m.org_id = p_org_id
    where c.portal_id > coalesce(p_after, '') and (p_unseen_by is null or c.seen_by_run_id is distinct from p_unseen_by)
    order by c.portal_id
    limit p_limit
$$;
comment on function public.list_portal_certifications is
'The certifications that are mirrored from the portal, in the order of their ids, after p_after.';
revoke execute on function public.list_portal_certifications from public, anon, authenticated;
grant execute on function public.list_portal_certifications to service_role, portal_sync;

-- The state to be written to the portal for these mentors (H1): status, reason and day of the last change,
-- and whether the portal has it already.
--
-- While the portal has the mentor's present version, effective_on is the day that was sent to the portal.
-- Otherwise it is computed in the organisation's time zone. So a change of the time zone does not move the
-- days that the portal already has.
--
-- differs_since is since when the portal may differ (H5). If the portal has the present version, it is the
-- moment at which it got that version. Otherwise it is the moment of the first change that the portal has not
-- got: each change raises the version by one and leaves a row of history.
-- Called by: the portal worker, once per page; list_all_portal_states.
-- Errors: 42501 not_your_organisation, 22023 more than 500 ids.

create or replace function public.list_portal_states(p_org_id uuid, p_mentor_ids uuid [])
returns table (
    mentor_id uuid,
    portal_key text,
    status text,
    reason text,
    effective_on date,
    version integer,
    is_synced boolean,
    synced_by uuid,
    differs_since timestamptz
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_array_size('p_mentor_ids', cardinality(p_mentor_ids));
    select
        m.id,
        coalesce(m.portal_key, m.id::text),
        m.status,
        coalesce(
            (
                select h.reason from public.peer_mentor_status_history as h
                where h.mentor_id = m.id order by h.id desc limit 1
            ),
            'entered'
        ),
        case
            when s.synced_version = m.version and s.effective_on is not null then s.effective_on
            else (m.status_changed_at at time zone o.time_zone)::date
        end,
        m.version,
        s.synced_version is not distinct from m.version,
        s.job_run_id,
        case
            when s.synced_version = m.version then s.synced_at
            else coalesce(
                (
                    select h.changed_at from public.peer_mentor_status_history as h
                    where h.mentor_id = m.id order by h.id desc
                    offset greatest(m.version - coalesce(s.synced_version, 1), 1) - 1 limit 1
                ),
                m.status_changed_at
            )
        end
    from public.peer_mentors as m
    inner join public.organisations as o on o.id = m.org_id
    left join public.portal_sync_state as s on s.mentor_id = m.id
    where m.org_id = p_org_id and m.id = any(p_mentor_ids)
    order by m.id
$$;
comment on function public.list_portal_states is
'The states that the sync writes to the portal; for a mentor whose status never changed the reason is entered.';
revoke execute on function public.list_portal_states from public, anon, authenticated;
grant execute on function public.list_portal_states to service_role, portal_sync;

-- Says what the data show now about mentors whose call failed in a run (R1, E8). The database may have made
-- the change although the answer was lost, or another caller may have made it since. A mentor who is paused
-- in the end is not an error.
--
--   applied      this run made the change: it paused the mentor, or wrote their status to the portal
--   not_needed   nothing is left to do. certification_expiry: the mentor is not active any more, or their
--                certification has not expired on p_as_of, or the brake forbids it. withdrawal: the mentor has changed
--                since, or is still expired. hlf_sync: the portal has the mentor's present
--                version. Both: the organisation has no such mentor.
--
-- A mentor who still needs the change gets no row. The run's row of the log says which job it was.
-- Called by: the completion of a run, with at most 500 ids per call.
-- Errors: 22023 more than 500 ids, 42501 not_your_organisation.

create or replace function public.list_run_outcomes(p_job_run_id uuid, p_org_id uuid, p_as_of date, p_mentor_ids uuid [])
returns table (mentor_id uuid, outcome text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_job_name text;
    v_dry_run boolean;
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_date('p_as_of', p_as_of);
    perform private.assert_array_size('p_mentor_ids', cardinality(p_mentor_ids));
    select l.job_name, l.dry_run into v_job_name, v_dry_run from public.scheduler_execution_log as l
    where l.job_run_id = p_job_run_id and l.org_id = p_org_id and l.status in ('running', 'completed', 'failed');
    return query
    with asked as (
        select distinct ids.id from unnest(p_mentor_ids) as ids (id) where ids.id is not null
    ),

    present as (
        select
            a.id,
            m.status,
            m.version,
            (select max(c.expires_on) from public.certifications as c where c.mentor_id = m.id) as expires_on,
            (select s.synced_version from public.portal_sync_state as s where s.mentor_id = m.id) as synced_version,
            m.id is not null and exists (
                select from public.peer_mentor_status_history as h
                where h.job_run_id = p_job_run_id and h.mentor_id = a.id
                union all
                select from public.portal_sync_state as s
                where s.job_run_id = p_job_run_id and s.mentor_id = a.id
            ) as is_applied
        from asked as a
        left join public.peer_mentors as m on m.id = a.id and m.org_id = p_org_id
    )

    select p.id, case when p.is_applied then 'applied' else 'not_needed' end
    from present as p
    where
        p.is_applied
        or (v_job_name is not null and p.status is null)
        -- A case: with "v_job_name = '...' and f()" PostgreSQL calls f if the run has no row.
        or case v_job_name
            when 'certification_expiry' then
                p.status <> 'active' or p.expires_on is null or p.expires_on > p_as_of
                or private.brake_outcome(
                    p_org_id, p_job_run_id, p.id, p.version, p.expires_on, p_as_of, v_dry_run
                ) is not null
            when 'withdrawal' then
                private.withdrawal_outcome(p_org_id, p_job_run_id, p.id, p.status, p.expires_on, v_dry_run) is not null
            when 'hlf_sync' then p.synced_version = p.version
        end
    order by p.id;
end
$$;
comment on function public.list_run_outcomes is
'The given mentors that a run has changed (applied) or that need no change any more (not_needed).';
revoke execute on function public.list_run_outcomes from public, anon, authenticated;
grant execute on function public.list_run_outcomes to service_role, mentor_pause_job, portal_sync;

-- One keyset page of the mentors whom a run paused (G5), from the history.
-- enable_bitmapscan is off because the rows may have just been written and have no statistics yet: PostgreSQL would otherwise
-- read and sort all that is left for each page.
-- Called by: the dispatcher, for a withdrawal of that run.
-- Errors: 42501 not_your_organisation, 22023 p_limit is out of bounds.

create or replace function public.list_run_pauses(p_job_run_id uuid, p_after uuid, p_limit integer)
returns table (mentor_id uuid)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
set enable_bitmapscan = 'off'
as $$
    select private.run_org(p_job_run_id);
    select private.assert_limit(p_limit);
    select h.mentor_id
    from public.peer_mentor_status_history as h
    where h.job_run_id = p_job_run_id and h.new_status = 'paused'
        and h.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
    order by h.mentor_id
    limit p_limit
$$;
comment on function public.list_run_pauses is 'The mentors whom a run paused, in id order, after p_after (null for the first page).';
revoke execute on function public.list_run_pauses from public, anon, authenticated;
grant execute on function public.list_run_pauses to service_role, mentor_pause_job;

-- The runs that began long ago and have not ended, according to the log (E8). The monitor compares them with
-- the ledger. A run that the ledger does not know has no pages left, so only the monitor can end it.
-- Called by: the monitor, once an hour.
-- Errors: 22023 an argument is out of bounds, 42501 not_your_organisation.

create or replace function public.list_running_executions(p_org_id uuid, p_minutes integer, p_limit integer)
returns setof public.scheduler_execution_log
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_limit(p_limit);
    select private.assert_between('p_minutes', coalesce(p_minutes, 0), 1, 525600);
    select l.*
    from public.scheduler_execution_log as l
    where
        l.org_id = p_org_id
        and l.status = 'running'
        and l.started_at < clock_timestamp() - p_minutes * interval '1 minute'
    order by l.id
    limit p_limit
$$;
comment on function public.list_running_executions is 'The runs that began long ago and have not ended, oldest first.';
revoke execute on function public.list_running_executions from public, anon, authenticated;
grant execute on function public.list_running_executions to service_role, mentor_pause_job;

-- Which messages did not arrive, and whom no e-mail reaches (C4, W6): the newest 100 messages with their person's name, the first
-- 200 mentors in id order, and the members.
-- Called by: the console, for administrators.
-- Errors: PT403 not_an_administrator.

create or replace function public.list_undelivered(p_org_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform private.assert_administrator(p_org_id);
    return (
        select jsonb_build_object(
            'people_count', count(*),
            'people', coalesce(jsonb_agg(jsonb_build_object(
                'mentor_id', u.mentor_id, 'display_name', k.display_name, 'why', u.why
            ) order by u.mentor_id) filter (where u.place <= 200), '[]')
        )
        from (
            select x.*, row_number() over (order by x.mentor_id) as place from private.my_unreachable_mentors(p_org_id) as x
        ) as u
        left join public.mentor_contacts as k on k.mentor_id = u.mentor_id
    ) || jsonb_build_object(
        'messages', coalesce((
            select jsonb_agg(jsonb_build_object(
                'id', m.id, 'created_at', m.created_at, 'audience', m.audience, 'kind', m.kind, 'state', m.state,
                'display_name', case when m.audience = 'mentor' then (
                    select k.display_name from public.mentor_contacts as k where k.mentor_id = m.mentor_ids[1]
                ) else (
                    select k.display_name from public.member_contacts as k
                    where k.org_id = p_org_id and k.user_id = m.person_id
                ) end,
                'mentor_id', case when m.audience = 'mentor' then m.mentor_ids[1] end
            ) order by m.id desc)
            from (
                select x.* from public.messages as x
                where x.org_id = p_org_id and x.state in ('bounced', 'complained', 'suppressed', 'no_address', 'unknown')
                order by x.id desc limit 100
            ) as m
        ), '[]'),
        'members', coalesce((
            select jsonb_agg(jsonb_build_object('display_name', o.display_name, 'why', o.why) order by o.display_name, o.user_id)
            from (
                select x.user_id, k.display_name, private.why_unreachable(p_org_id, k.email) as why
                from public.org_members as x
                left join public.member_contacts as k on k.org_id = x.org_id and k.user_id = x.user_id
                where x.org_id = p_org_id
            ) as o
            where o.why is not null
        ), '[]')
    );
end
$$;
comment on function public.list_undelivered is
'Which messages did not arrive, and whom no e-mail reaches, as one JSON object.';
revoke execute on function public.list_undelivered from public, anon, authenticated, service_role;
grant execute on function public.list_undelivered to authenticated;

-- The mentors of the caller who cannot be reached by e-mail (W6): a coordinator's own mentors, or all of the
-- organisation for an administrator, in id order. Inactive mentors are left out. It pages by keyset: p_after is the last
-- mentor of the page before.
-- It looks up each of the caller's mentors in the indexes, because a join with all mentors of the organisation costs
-- more. Most mentors can be reached, so it takes 5,000 of a coordinator's mentors at a time, then twice as many.
-- Called by: the app and the console, for people.
-- Errors: 22023 p_limit is out of bounds.

create or replace function public.list_unreachable_mentors(
    p_org_id uuid, p_after uuid default null, p_limit integer default 100
)
returns table (mentor_id uuid, why text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_hashjoin = 'off'
set enable_mergejoin = 'off'
set enable_seqscan = 'off'
as $$
declare
    v_after uuid := p_after;
    v_left integer := p_limit;
    v_size integer := 5000;
    v_ids uuid [];
    v_found integer;
begin
    perform private.assert_limit(p_limit);
    if p_org_id in (select private.my_admin_orgs()) then
        return query
        select m.id, u.why
        from public.peer_mentors as m
        left join public.mentor_contacts as k on k.mentor_id = m.id
        cross join lateral private.why_unreachable(p_org_id, k.email) as u (why)
        where m.org_id = p_org_id and m.status <> 'inactive'
            and m.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000') and u.why is not null
        order by m.id
        limit p_limit;
        return;
    end if;
    loop
        v_ids := array(
            select mine.id
            from private.coordinated_mentors(private.user_id(), v_after, null, v_size + 1) as mine (id)
            where mine.id is distinct from v_after
            order by mine.id
        );
        return query
        select m.id, u.why
        from unnest(v_ids) as mine (id)
        inner join public.peer_mentors as m on m.id = mine.id
        left join public.mentor_contacts as k on k.mentor_id = m.id
        cross join lateral private.why_unreachable(p_org_id, k.email) as u (why)
        where m.org_id = p_org_id and m.status <> 'inactive' and u.why is not null
        order by m.id
        limit v_left;
        get diagnostics v_found = row_count;
        v_left := v_left - v_found;
        exit when v_left = 0 or cardinality(v_ids) < v_size;
        v_after := v_ids[cardinality(v_ids)];
        v_size := v_size * 2;
    end loop;
end
$$;
comment on function public.list_unreachable_mentors is
'The caller''s mentors whom no e-mail reaches, and why: no_address, bounced, bounced_for_now, complained, suppressed.';
revoke execute on function public.list_unreachable_mentors from public, anon, authenticated, service_role;
grant execute on function public.list_unreachable_mentors to authenticated;

-- One keyset page of the mentors whose present version the HLF portal does not have yet (H1). If all mentors
-- are synced, it returns the mentor who was synced longest ago, so that every run has a page: the worker also
-- reads the portal when it works on a page.
--
-- Two indexes have the mentors in id order with all columns that it compares, so merging them reads each up to the end
-- of the page. The planner expects few unsynced mentors and would hash all of them for each page, hence enable_hashjoin.
--
-- p_as_of is part of the signature that all jobs' listings share; the result does not depend on it.
-- Called by: the dispatcher, for the hlf_sync job.
-- Errors: 42501 not_your_organisation, 22023 an argument is out of bounds.

create or replace function public.list_unsynced_mentors(p_org_id uuid, p_as_of date, p_after uuid, p_limit integer)
returns table (mentor_id uuid)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_hashjoin = 'off'
as $$
    with unsynced as (
        select m.id
        from public.peer_mentors as m
        -- The bound is repeated: PostgreSQL does not conclude it, and would read the states of earlier pages.
        left join public.portal_sync_state as s
            on s.mentor_id = m.id and s.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        where
            m.org_id = p_org_id
            and p_as_of is not null
            and m.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
            and s.synced_version is distinct from m.version
        order by m.id
        limit private.page_limit(p_org_id, p_as_of, p_limit)
    ),

    synced_longest_ago as (
        select m.id
        from public.peer_mentors as m
        inner join public.portal_sync_state as s on s.mentor_id = m.id
        where
            m.org_id = p_org_id
            and p_as_of is not null
            and p_after is null
            and not exists (select from unsynced)
        order by s.synced_at, s.mentor_id
        limit least(p_limit, 1)
    )

    select u.id from unsynced as u
    union all
    select t.id from synced_longest_ago as t
    order by 1
$$;
comment on function public.list_unsynced_mentors is
'Mentors whose present version the portal does not have, in id order, after p_after; if there are none, one mentor.';
revoke execute on function public.list_unsynced_mentors from public, anon, authenticated;
grant execute on function public.list_unsynced_mentors to service_role, mentor_pause_job;

-- Writes down the plan of a run (G1): the next p_limit mentors of private.plan_page, and after the last of them the decision
-- of the brake (G2) and the plan's hash. The caller repeats the call until is_whole is true; then it changes nothing. So a
-- plan of any size is made within the time of a call, and a call whose answer was lost can be repeated.
--
-- A plan that is whole does not change any more. The plans of dry runs are deleted after an hour, all others after 90 days,
-- as the ledger's items are.
-- Called by: the dispatcher, before a run's first page; run_certification_expiry.
-- Locks: the plan.
-- Errors: PT404 the log has no such run, 42501 not_your_organisation, 22023 p_limit is out of bounds.

create or replace function public.make_plan(p_job_run_id uuid, p_limit integer default 20000)
returns table (is_whole boolean, planned_count integer, unforeseen_count integer, held_count integer, plan_hash text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
#variable_conflict use_column
declare
    v_run public.scheduler_execution_log;
    v_plan public.plans;
    v_added integer;
    v_last uuid;
begin
    perform private.run_org(p_job_run_id);
    perform private.assert_between('p_limit', coalesce(p_limit, 0), 1, 100000);
    select * into v_run from public.scheduler_execution_log as l
    where l.job_run_id = p_job_run_id and l.job_name = 'certification_expiry' and l.plan_of is null
        and l.status in ('running', 'completed', 'failed');
    if not found then
        raise exception 'run not found' using errcode = 'PT404',
            detail = 'the log has no certification expiry run of this id that makes its own plan';
    end if;
    insert into public.plans (job_run_id, org_id, as_of, dry_run, rule)
    values (p_job_run_id, v_run.org_id, v_run.as_of, v_run.dry_run, private.plan_rule())
    on conflict do nothing;
    if found then
        delete from public.plans as p
        where p.org_id = v_run.org_id
            and p.made_at < clock_timestamp() - case when p.dry_run then interval '1 hour' else interval '90 days' end;
    end if;
    select * into v_plan from public.plans as p where p.job_run_id = p_job_run_id for update;

    if v_plan.plan_hash is null then
        insert into public.plan_mentors (job_run_id, mentor_id, version, expires_on, action, why)
        select p_job_run_id, p.mentor_id, p.version, p.expires_on, 'pause', p.why
        from private.plan_page(v_plan.org_id, v_plan.as_of, v_plan.cursor, p_limit) as p;
        get diagnostics v_added = row_count;
        if v_added < p_limit then
            perform private.close_plan(p_job_run_id);
        else
            select e.mentor_id into v_last from public.plan_mentors as e
            where e.job_run_id = p_job_run_id order by e.mentor_id desc limit 1;
            update public.plans as p set cursor = v_last where p.job_run_id = p_job_run_id;
        end if;
    end if;
    return query
    select p.plan_hash is not null, p.planned_count, p.unforeseen_count, p.held_count, p.plan_hash
    from public.plans as p where p.job_run_id = p_job_run_id;
end
$$;
comment on function public.make_plan is
'Writes down the next part of a run''s plan; when is_whole is true, the plan has its counts and its hash.';
revoke execute on function public.make_plan from public, anon, authenticated;
grant execute on function public.make_plan to service_role, mentor_pause_job;

-- Marks the caller's own messages up to an id as read (W3, C2): those that the page showed, and not one that came meanwhile. It
-- leaves out messages of other people, and those that were read before.
-- Called by: the console, for people.
-- Errors: none.

create or replace function public.mark_all_messages_read(p_up_to bigint)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
declare
    v_count integer;
begin
    update public.messages as m set read_at = clock_timestamp()
    where m.id <= p_up_to and m.read_at is null
        and m.person_id in (select private.my_person_ids())
        and (m.audience = 'mentor' or m.org_id in (select private.my_memberships()));
    get diagnostics v_count = row_count;
    return v_count;
end
$$;
comment on function public.mark_all_messages_read is
'Marks the caller''s own messages up to an id as read; returns how many.';
revoke execute on function public.mark_all_messages_read from public, anon, authenticated, service_role;
grant execute on function public.mark_all_messages_read to authenticated;

-- Marks the caller's own messages as read (W3). It leaves out messages of other people, and those that were read before.
-- Called by: the app and the console, for people.
-- Errors: 22023 more than 500 ids.

create or replace function public.mark_messages_read(p_ids bigint [])
returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
declare
    v_count bigint;
begin
    perform private.assert_array_size('p_ids', cardinality(p_ids));
    update public.messages as m set read_at = clock_timestamp()
    where m.id = any(p_ids) and m.read_at is null
        and m.person_id in (select private.my_person_ids())
        and (m.audience = 'mentor' or m.org_id in (select private.my_memberships()));
    get diagnostics v_count = row_count;
    return v_count;
end
$$;
comment on function public.mark_messages_read is 'Marks the caller''s own messages as read; returns how many.';
revoke execute on function public.mark_messages_read from public, anon, authenticated, service_role;
grant execute on function public.mark_messages_read to authenticated;

-- Records that the portal has a version of a mentor, and the day that was sent (H1). It never replaces a
-- later version by an older one.
-- Called by: the portal worker, once per mentor.
-- Locks: the mentor's row of the sync state.
-- Errors: 42501 not_your_organisation, 22023 an argument is out of bounds.

create or replace function public.mark_portal_synced(
    p_org_id uuid, p_mentor_id uuid, p_version integer, p_job_run_id uuid, p_effective_on date default null
)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_between('p_version', p_version, 1, 2147483647);
    perform private.assert_date('p_effective_on', p_effective_on);
    insert into public.portal_sync_state as s (mentor_id, synced_version, synced_at, job_run_id, effective_on)
    select m.id, p_version, clock_timestamp(), p_job_run_id, p_effective_on
    from public.peer_mentors as m
    where m.id = p_mentor_id and m.org_id = p_org_id and p_version <= m.version
    on conflict (mentor_id) do update set
        synced_version = excluded.synced_version,
        synced_at = excluded.synced_at,
        job_run_id = excluded.job_run_id,
        effective_on = case
            when s.synced_version = excluded.synced_version then coalesce(excluded.effective_on, s.effective_on)
            else excluded.effective_on
        end
    where s.synced_version <= excluded.synced_version;
    return found;
end
$$;
comment on function public.mark_portal_synced is
'Records the version that the portal has, and the day that was sent; false: it already has a later version.';
revoke execute on function public.mark_portal_synced from public, anon, authenticated;
grant execute on function public.mark_portal_synced to service_role, portal_sync;

-- Brings the mirrored certifications in line with a page of the portal (H1). It compares mentor and day, and
-- not the time of the change, because a row can change twice within a second. It marks the valid rows as seen
-- by the run's reading, and also the rows of p_seen_ids, which exist in the portal but cannot be read. A row
-- that cannot be stored does not affect the other rows (R3).
-- Called by: the portal worker, once per page of the portal. Repeated calls change nothing.
-- Locks: the certifications, and for a moment the mentors of those that differ. If mentors are locked, up to
-- three rows wait one second each; the rows after them do not wait.
-- Errors: 42501 not_your_organisation, 22023 an array is too long.

create or replace function public.mirror_portal_certifications(
    p_org_id uuid,
    p_job_run_id uuid,
    p_portal_ids text [],
    p_portal_keys text [],
    p_expires_ons date [],
    p_modified_ons timestamptz [],
    p_seen_ids text []
)
returns table (portal_ids text [], outcomes text [])
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '1s'
as $$
#variable_conflict use_column
declare
    v_row record;
    v_outcome text;
    v_locked integer := 0;
begin
    portal_ids := '{}';
    outcomes := '{}';
    perform private.assert_job_org(p_org_id);
    perform private.assert_array_size('p_portal_ids', cardinality(p_portal_ids));
    perform private.assert_array_size('p_portal_keys', cardinality(p_portal_keys));
    perform private.assert_array_size('p_expires_ons', cardinality(p_expires_ons));
    perform private.assert_array_size('p_modified_ons', cardinality(p_modified_ons));
    perform private.assert_array_size('p_seen_ids', cardinality(p_seen_ids));
    -- A locked row counts as not seen: at the end the worker asks the portal for it by its id.
    update public.certifications as c set seen_by_run_id = p_job_run_id
    where c.id in (
        select h.id
        from public.certifications as h
        inner join public.peer_mentors as m on m.id = h.mentor_id and m.org_id = p_org_id
        where h.portal_id = any(p_portal_ids || p_seen_ids) and h.seen_by_run_id is distinct from p_job_run_id
        for no key update of h skip locked
    );
    for v_row in
        select n.portal_id, n.expires_on, n.modified_on, m.id as mentor_id, h.org_id as holders_org
        from unnest(p_portal_ids, p_portal_keys, p_expires_ons, p_modified_ons)
            as n (portal_id, portal_key, expires_on, modified_on)
        left join public.peer_mentors as m
            on m.org_id = p_org_id
            and private.fold_key(coalesce(m.portal_key, m.id::text)) = private.fold_key(n.portal_key)
        left join public.certifications as c on c.portal_id = n.portal_id
        left join public.peer_mentors as h on h.id = c.mentor_id
        where (m.id is not null or h.org_id = p_org_id)
            and (c.mentor_id, c.expires_on) is distinct from (m.id, n.expires_on)
        order by m.id, n.portal_id
    loop
        begin
            if v_row.holders_org <> p_org_id then
                raise exception 'the certification belongs to another organisation' using errcode = 'PT409';
            end if;
            v_outcome := private.mirror_certification(
                v_row.mentor_id, v_row.portal_id, v_row.expires_on, v_row.modified_on, p_job_run_id
            );
        exception when others then
            v_outcome := 'failed ' || sqlstate;
            v_locked := v_locked + (sqlstate = '55P03')::integer;
            if v_locked >= 3 then
                perform set_config('lock_timeout', '1', true);
            end if;
        end;
        portal_ids := portal_ids || v_row.portal_id;
        outcomes := outcomes || v_outcome;
    end loop;
    return next;
end
$$;
comment on function public.mirror_portal_certifications is
'Brings certifications in line with the portal; returns one row with the ids that it changed or could not store.';
revoke execute on function public.mirror_portal_certifications from public, anon, authenticated;
grant execute on function public.mirror_portal_certifications to service_role, portal_sync;

-- Moves the watermark of a run's reading forward (H1). It never moves past the present moment, because the
-- portal may date a row in the future (R3). If the watermark was deleted because a mentor was entered
-- meanwhile, it stays deleted, and the run reads everything again.
-- Called by: the portal worker, once per page of the portal.
-- Locks: the organisation's watermark.
-- Errors: 42501 not_your_organisation, 22023 p_watermark is out of bounds.

create or replace function public.move_portal_watermark(p_org_id uuid, p_job_run_id uuid, p_watermark timestamptz)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_timestamp('p_watermark', p_watermark);
    update public.portal_watermarks as w
    set watermark = greatest(w.watermark, least(p_watermark, clock_timestamp()))
    where w.org_id = p_org_id and w.job_run_id = p_job_run_id;
    return found;
end
$$;
comment on function public.move_portal_watermark is
'Moves the watermark of a run''s reading forward, at most to now; false: this run must read from the beginning again.';
revoke execute on function public.move_portal_watermark from public, anon, authenticated;
grant execute on function public.move_portal_watermark to service_role, portal_sync;

-- Notifies each responsible coordinator, once per run, of all mentors that the run paused or renewed (E11, H1).
-- It goes through all pages of private.notify_page in one transaction. For a large night the completion calls
-- notify_coordinators_page instead, because a role's statement_timeout ends a call that takes too long.
-- Called by: run_certification_expiry; services. Repeated calls change nothing.
-- Errors: 42501 not_your_organisation.
-- Locks: the coordinators' rows of this run, if they grow.

create or replace function public.notify_coordinators(p_job_run_id uuid)
returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_last uuid;
begin
    perform private.run_org(p_job_run_id);
    loop
        v_last := private.notify_page(p_job_run_id, v_last, 20000);
        exit when v_last is null;
    end loop;
    return (
        select count(*) from public.coordinator_notifications as n where n.job_run_id = p_job_run_id
    );
end
$$;
comment on function public.notify_coordinators is
'Writes one notification per coordinator and run, or adds mentors to it; returns how many the run has.';
revoke execute on function public.notify_coordinators from public, anon, authenticated;
grant execute on function public.notify_coordinators to service_role, mentor_pause_job, portal_sync;

-- Notifies the responsible coordinators of the next p_limit mentors that a run paused or renewed (E11, H1). The
-- mentors come in id order, after p_after (null for the first page). A night of any size is notified page by
-- page, and each page takes about the same time.
--
-- It may be called for a run that has ended: a worker may pause mentors after their page had been marked as
-- failed. Then the coordinators' notifications grow.
-- Called by: the completion of a run; a worker that finishes after its run has ended. Repeated calls change
-- nothing.
-- Errors: 42501 not_your_organisation, 22023 p_limit is out of bounds.
-- Locks: the coordinators' rows of this run, if they grow.

create or replace function public.notify_coordinators_page(p_job_run_id uuid, p_after uuid, p_limit integer)
returns uuid
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform private.run_org(p_job_run_id);
    perform private.assert_between('p_limit', coalesce(p_limit, 0), 1, 20000);
    return private.notify_page(p_job_run_id, p_after, p_limit);
end
$$;
comment on function public.notify_coordinators_page is
'Notifies the coordinators of the next p_limit mentors of a run; returns the last of them, or null if no mentor is left.';
revoke execute on function public.notify_coordinators_page from public, anon, authenticated;
grant execute on function public.notify_coordinators_page to service_role, mentor_pause_job, portal_sync;

-- The plan of the nightly job for a day, as it would be now (G1): one row for each active mentor whose certification has
-- expired, in id order, with the action and the reason. It changes nothing, and needs nothing but the database.
--
--   action  pause: the run pauses the mentor. hold: the mentor waits for an approval (G2).
--   why     forewarned: the mentor was warned of this date at least seven days before the day. The others are unforeseen:
--           warned_late, warned_of_another_date, never_warned.
--
-- A person gets the mentors that they may see: an administrator all, a coordinator their own, a mentor their own row. The
-- actions are those of the whole plan. It pages by keyset: p_after is the last mentor of the page before. Each page makes
-- the whole plan again; so take large pages. summarise_plan has the plan's hash and counts.
-- Called by: the command line, an adopter (docs/adopting.md), the app and the console for people.
-- Errors: 42501 not_your_organisation, 22023 an argument is out of bounds.

create or replace function public.plan_certification_expiry(
    p_org_id uuid, p_as_of date, p_after uuid default null, p_limit integer default null
)
returns table (mentor_id uuid, version integer, expires_on date, action text, why text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_is_person constant boolean := private.caller() = 'person';
    v_is_admin constant boolean := p_org_id in (select private.my_admin_orgs());
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_date('p_as_of', p_as_of);
    perform private.assert_between('p_limit', coalesce(p_limit, 1), 1, 1000000);
    if p_as_of is null then
        raise exception 'p_as_of is missing' using errcode = '22023', detail = 'give the day of the plan, such as 2026-11-22';
    elsif v_is_person and p_org_id not in (select private.my_orgs()) then
        return;
    end if;
    return query
    with planned as materialized (
        select p.* from private.plan_page(p_org_id, p_as_of, null, null) as p
    ),

    brake as (
        select b.brake_acts and b.brake_mode = 'hold' as holds
        from private.brake_of(
            p_org_id,
            (select count(*) from planned as p where p.why <> 'forewarned'),
            (select count(*) from public.peer_mentors as m where m.org_id = p_org_id and m.status = 'active')
        ) as b
    ),

    mine as (
        select private.my_mentors() as id where v_is_person and not v_is_admin
    )

    select
        p.mentor_id, p.version, p.expires_on, case when b.holds and p.why <> 'forewarned' then 'hold' else 'pause' end, p.why
    from planned as p cross join brake as b
    where p.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        and (not v_is_person or v_is_admin or p.mentor_id in (select mine.id from mine))
    order by p.mentor_id
    limit p_limit;
end
$$;
comment on function public.plan_certification_expiry is
'Whom the nightly job would pause on a day, whom it would hold, and why; changes nothing.';
revoke execute on function public.plan_certification_expiry from public, anon, authenticated;
grant execute on function public.plan_certification_expiry to authenticated, service_role, mentor_pause_job;

-- What a withdrawal of a run would do now (C4, G5): whom it would resume, and whom not, because they have changed since the run or
-- are still expired. Each list has at most 200 mentors in id order; its count includes them all. Null if there is no such run.
-- Called by: the console, for administrators.
-- Errors: PT403 not_an_administrator.

create or replace function public.preview_withdrawal(p_org_id uuid, p_job_run_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
declare
    v_check record;
    v_today constant date := private.org_today(p_org_id);
    v_lists jsonb;
begin
    perform private.assert_administrator(p_org_id);
    select * into v_check from private.shown_checks(p_org_id, p_job_run_id, null, 1);
    if v_check.id is null then
        return null;
    end if;
    with paused as materialized (
        select
            m.id, k.display_name,
            coalesce(private.why_not_resumed(
                p_job_run_id, m.id, m.status,
                (select max(c.expires_on) from public.certifications as c where c.mentor_id = m.id), v_today
            ), 'resume') as list
        from public.peer_mentor_status_history as h
        inner join public.peer_mentors as m on m.id = h.mentor_id
        left join public.mentor_contacts as k on k.mentor_id = m.id
        where h.job_run_id = p_job_run_id and h.org_id = p_org_id and h.new_status = 'paused'
    ),

    placed as (
        select p.*, row_number() over (partition by p.list order by p.id) as place from paused as p
    ),

    lists as (
        select
            n.list, count(p.id) as count,
            coalesce(jsonb_agg(
                jsonb_build_object('mentor_id', p.id, 'display_name', p.display_name) order by p.id
            ) filter (where p.place <= 200), '[]') as mentors
        from (values ('resume'), ('changed_since'), ('still_expired')) as n (list)
        left join placed as p on p.list = n.list
        group by n.list
    )

    select jsonb_object_agg(l.list, jsonb_build_object('count', l.count, 'mentors', l.mentors)) into v_lists from lists as l;
    return v_lists || jsonb_build_object(
        'check', to_jsonb(v_check),
        'is_withdrawable', private.is_withdrawable(v_check.job_name, v_check.dry_run, v_check.status)
    );
end
$$;
comment on function public.preview_withdrawal is
'Whom a withdrawal of a run would resume, and whom not, as one JSON object; null if there is no such run.';
revoke execute on function public.preview_withdrawal from public, anon, authenticated, service_role;
grant execute on function public.preview_withdrawal to authenticated;

-- Notes an event of SES about a digest (W4): delivered, bounced, complained, suppressed, or sent, which also decides
-- about a digest whose answer was lost. Events may come late, twice and out of order; a state never moves back.
-- Called by: the notifier, for each event.
-- Errors: 42501 not_your_organisation, 22023 an argument is out of bounds.

create or replace function public.record_delivery(
    p_org_id uuid, p_digest_id uuid, p_state text, p_provider_message_id text, p_reason text default null
)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_length('p_provider_message_id', p_provider_message_id, 200);
    perform private.assert_length('p_reason', p_reason, 100);
    if p_state is null or p_state not in ('sent', 'delivered', 'bounced', 'complained', 'suppressed') then
        raise exception 'unknown state' using errcode = '22023',
            detail = 'p_state must be sent, delivered, bounced, complained or suppressed';
    end if;
    return private.move_digest(p_org_id, p_digest_id, p_state, p_provider_message_id, p_reason);
end
$$;
comment on function public.record_delivery is 'Notes an event of SES about a digest; returns whether that changed anything.';
revoke execute on function public.record_delivery from public, anon, authenticated;
grant execute on function public.record_delivery to service_role, mentor_pause_notifier;

-- Replaces what is known of the differences between the portal and the database (H5, C4). Of each difference it keeps the kind,
-- the mentor, both states and the time, and nothing else: a key of the portal may be a name. A measurement that is older than
-- the stored one changes nothing.
-- Called by: the measurement of the drift, which logs in as portal_sync.
-- Locks: the organisation's row.
-- Errors: 42501 not_your_organisation; 22023 an argument is missing or out of bounds, or there are more than 1000 differences.

create or replace function public.record_portal_drift(p_org_id uuid, p_measured_at timestamptz, p_differing_count integer, p_differences jsonb)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_timestamp('p_measured_at', p_measured_at);
    perform private.assert_between('p_differing_count', p_differing_count, 0, 10000000);
    if p_measured_at is null or p_differing_count is null or jsonb_typeof(p_differences) is distinct from 'array' then
        raise exception 'an argument is missing' using errcode = '22023', detail = 'p_differences is an array of objects';
    end if;
    perform private.assert_between('number of p_differences', jsonb_array_length(p_differences), 0, 1000);
    insert into public.portal_differences as d (org_id, measured_at, differing_count, differences)
    select p_org_id, p_measured_at, p_differing_count, coalesce((
        select jsonb_agg(jsonb_build_object(
            'kind', left(x.kind, 50), 'mentor_id', x.mentor_id, 'here', left(x.here, 50), 'there', left(x.there, 50),
            'since', x.since
        ) order by e.place)
        from jsonb_array_elements(p_differences) with ordinality as e (entry, place)
        cross join lateral jsonb_to_record(e.entry) as x (kind text, mentor_id uuid, here text, there text, since timestamptz)
    ), '[]')
    on conflict (org_id) do update
        set
            measured_at = excluded.measured_at, differing_count = excluded.differing_count,
            differences = excluded.differences
        where excluded.measured_at >= d.measured_at;
    return found;
end
$$;
comment on function public.record_portal_drift is
'Replaces the stored differences between the portal and the database; false: a newer measurement is stored.';
revoke execute on function public.record_portal_drift from public, anon, authenticated;
grant execute on function public.record_portal_drift to service_role, portal_sync;

-- Removes a certification that is no longer valid in the portal (H1). The run's reading has not seen it, and
-- the worker has asked the portal for it by its id.
-- Called by: the portal worker. Repeated calls change nothing.
-- Locks: the certification.
-- Errors: 42501 not_your_organisation.

create or replace function public.remove_portal_certification(p_org_id uuid, p_portal_id text, p_job_run_id uuid)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
begin
    perform private.assert_job_org(p_org_id);
    perform private.record_portal_change(c.mentor_id)
    from public.certifications as c
    inner join public.peer_mentors as m on m.id = c.mentor_id and m.org_id = p_org_id
    where c.portal_id = p_portal_id;
    with gone as (
        delete from public.certifications as c
        using public.peer_mentors as m
        where c.portal_id = p_portal_id and c.seen_by_run_id is distinct from p_job_run_id
            and m.id = c.mentor_id and m.org_id = p_org_id
        returning c.mentor_id, c.portal_id, c.expires_on
    )

    insert into public.certification_changes (mentor_id, portal_id, changed_by, job_run_id, from_expires_on)
    select g.mentor_id, g.portal_id, private.caller(), p_job_run_id, private.clamp_day(g.expires_on) from gone as g;
    return found;
end
$$;
comment on function public.remove_portal_certification is
'Removes a certification that the run''s reading of the portal has not seen; false: it has seen it, or it does not exist.';
revoke execute on function public.remove_portal_certification from public, anon, authenticated;
grant execute on function public.remove_portal_certification to service_role, portal_sync;

-- Corrects the counts of a run that has ended, from the data (D4). A worker may finish its page after the
-- page was marked as failed and the run had ended. Then the run counted the page's mentors as errors. The
-- row's text says that the counts were corrected, because it still names the reasons of the former errors
-- (E7).
--
-- For certification_expiry, paused_count becomes the number of the run's history rows. For hlf_sync,
-- synced_count becomes the number of mentors whose status the run sent to the portal. For withdrawal, resumed_count
-- becomes the number of the run's history rows. A count never shrinks,
-- and it never grows by more than the errors.
-- Called by: a worker that notices that its page was already closed. Repeated calls change nothing.
-- Locks: the run's row of the log.

create or replace function public.report_late_changes(p_job_run_id uuid)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_run public.scheduler_execution_log;
    v_more integer;
begin
    perform private.run_org(p_job_run_id);
    select * into v_run from public.scheduler_execution_log as l
    where
        l.job_run_id = p_job_run_id
        and l.status in ('completed', 'failed')
        and (private.caller() in ('job', 'service') or l.job_name = 'hlf_sync')
    for update;
    if v_run.job_name = 'certification_expiry' then
        select count(*) - coalesce(v_run.paused_count, 0) into v_more
        from public.peer_mentor_status_history as h where h.job_run_id = p_job_run_id;
    elsif v_run.job_name = 'hlf_sync' then
        select count(*) - coalesce(v_run.synced_count, 0) into v_more
        from public.portal_sync_state as s where s.job_run_id = p_job_run_id;
    elsif v_run.job_name = 'withdrawal' then
        select count(*) - coalesce(v_run.resumed_count, 0) into v_more
        from public.peer_mentor_status_history as h where h.job_run_id = p_job_run_id;
    end if;
    -- A run that never began has no counts, and least() ignores nulls.
    v_more := least(v_more, coalesce(v_run.error_count, 0));
    if v_run.id is null or v_more <= 0 then
        return false;
    end if;
    update public.scheduler_execution_log as l
    set
        paused_count = case
            when l.job_name = 'certification_expiry' then coalesce(l.paused_count, 0) + v_more else l.paused_count
        end,
        resumed_count = case
            when l.job_name = 'withdrawal' then coalesce(l.resumed_count, 0) + v_more else l.resumed_count
        end,
        synced_count = case when l.job_name = 'hlf_sync' then coalesce(l.synced_count, 0) + v_more else l.synced_count end,
        error_count = l.error_count - v_more,
        error = left(
            concat_ws(
                '; ', l.error,
                format(
                    'corrected after the end: %s of the errors %s after all', v_more,
                    case l.job_name when 'hlf_sync' then 'synced' when 'withdrawal' then 'resumed' else 'paused' end
                )
            ),
            4000
        )
    where l.id = v_run.id;
    return true;
end
$$;
comment on function public.report_late_changes is
'Moves mentors that an ended run has changed after all from its errors to its effect; true: it corrected the row.';
revoke execute on function public.report_late_changes from public, anon, authenticated;
grant execute on function public.report_late_changes to service_role, mentor_pause_job, portal_sync;

-- Deletes the records of what the portal holds about the mentors who differed at the last measurement, so that the next sync sends
-- them again (C4, H5). record_portal_drift stores 1000 of them at most. reset_portal_sync does the same for an operator.
-- Called by: the console, for administrators.
-- Locks: the mentors' rows of the sync state, in id order.
-- Errors: PT403 not_an_administrator.

create or replace function public.resend_to_portal(p_org_id uuid)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
declare
    v_differing uuid [];
    v_count integer;
begin
    perform private.assert_administrator(p_org_id);
    v_differing := array(
        select m.id
        from public.portal_differences as d
        cross join lateral jsonb_to_recordset(d.differences) as x (mentor_id uuid)
        inner join public.peer_mentors as m on m.id = x.mentor_id and m.org_id = d.org_id
        where d.org_id = p_org_id
    );
    perform from public.portal_sync_state as s
    where s.mentor_id = any(v_differing)
    order by s.mentor_id
    for update;
    delete from public.portal_sync_state as s where s.mentor_id = any(v_differing);
    get diagnostics v_count = row_count;
    return v_count;
end
$$;
comment on function public.resend_to_portal is
'Makes the next sync send the mentors who differ to the portal again; returns how many it would not have sent.';
revoke execute on function public.resend_to_portal from public, anon, authenticated, service_role;
grant execute on function public.resend_to_portal to authenticated;

-- Deletes the record of what the portal holds about a mentor, so that the next sync run sends it again (H5).
-- An operator uses it after somebody has changed the mentor in the portal by hand.
-- Called by: the command line (`mentor-pause portal resync`), which logs in as portal_sync.
-- Locks: the mentor's row of the sync state.
-- Errors: PT404 no such mentor, 42501 not_your_organisation.

create or replace function public.reset_portal_sync(p_org_id uuid, p_mentor_id uuid)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform private.assert_job_org(p_org_id);
    perform from public.peer_mentors as m where m.id = p_mentor_id and m.org_id = p_org_id;
    if not found then
        raise exception 'mentor not found' using errcode = 'PT404',
            detail = 'no such mentor in this organisation', hint = 'mentor_not_found';
    end if;
    delete from public.portal_sync_state as s where s.mentor_id = p_mentor_id;
    return found;
end
$$;
comment on function public.reset_portal_sync is
'Makes the next sync run send a mentor to the portal again; false: it would send them anyway.';
revoke execute on function public.reset_portal_sync from public, anon, authenticated;
grant execute on function public.reset_portal_sync to service_role, portal_sync;

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

-- Puts right what earlier notifiers left (W3): a digest that has been sending for five minutes has lost its notifier or
-- its answer and becomes unknown. Messages that have waited for seven days become outdated, also if no sender is
-- configured; so a sender that is configured later sends no old messages.
-- Called by: the notifier, at the beginning of each invocation. One call settles at most 10,000 of each; the next call
-- goes on.
-- Errors: 42501 not_your_organisation.

create or replace function public.settle_messages(p_org_id uuid)
returns table (unknown_count integer, outdated_count integer)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
#variable_conflict use_column
begin
    perform private.assert_job_org(p_org_id);
    select count(*) filter (where private.move_digest(p_org_id, d.id, 'unknown', null, 'no answer')) into unknown_count
    from (
        select s.id
        from public.digests as s
        where s.org_id = p_org_id and s.state = 'sending' and s.began_at < clock_timestamp() - interval '5 minutes'
        order by s.began_at
        limit 10000
    ) as d;
    update public.messages as m set state = 'outdated'
    where m.id in (
        select w.id
        from public.messages as w
        where w.org_id = p_org_id and w.state in ('pending', 'no_address')
            and w.created_at < clock_timestamp() - interval '7 days'
        limit 10000
    );
    get diagnostics outdated_count = row_count;
    return next;
end
$$;
comment on function public.settle_messages is
'Ends digests without an answer as unknown, and messages that waited for seven days as outdated; returns how many.';
revoke execute on function public.settle_messages from public, anon, authenticated;
grant execute on function public.settle_messages to service_role, mentor_pause_notifier;

-- The hash and the counts of the plan for a day, as plan_certification_expiry makes it now (G1). The hash is that of a run
-- which would begin now for this day.
-- Called by: the command line, an adopter.
-- Errors: 42501 not_your_organisation, 22023 p_as_of is missing or out of bounds.

create or replace function public.summarise_plan(p_org_id uuid, p_as_of date)
returns table (
    plan_hash text,
    brake_mode text,
    brake_count integer,
    brake_percent numeric,
    brake_acts boolean,
    active_count bigint,
    planned_count bigint,
    unforeseen_count bigint,
    held_count bigint
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    with planned as materialized (
        select p.* from public.plan_certification_expiry(p_org_id, p_as_of) as p
    ),

    counts as (
        select
            count(*) as planned, count(*) filter (where p.why <> 'forewarned') as unforeseen,
            count(*) filter (where p.action = 'hold') as held,
            private.hash_plan(
                p_org_id, p_as_of, array_agg(p.mentor_id order by p.mentor_id), array_agg(p.version order by p.mentor_id),
                array_agg(p.expires_on order by p.mentor_id), array_agg(p.action order by p.mentor_id)
            ) as plan_hash,
            (select count(*) from public.peer_mentors as m where m.org_id = p_org_id and m.status = 'active') as active
        from planned as p
    )

    select
        c.plan_hash, b.brake_mode, b.brake_count, b.brake_percent, b.brake_acts, c.active, c.planned, c.unforeseen, c.held
    from counts as c cross join lateral private.brake_of(p_org_id, c.unforeseen, c.active) as b
$$;
comment on function public.summarise_plan is 'The hash and the counts of the plan for a day, as it would be now.';
revoke execute on function public.summarise_plan from public, anon, authenticated;
grant execute on function public.summarise_plan to service_role, mentor_pause_job;

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

reset check_function_bodies;
