-- What must hold for every table, function and policy, also those that come later. Each row of the
-- view is one that breaks a rule; it must be empty.

create temp view finding (rule, object) as
-- Tables (S4).
select 'a table has row-level security and a policy', c.relname::text
from pg_class as c
where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
    and not (c.relrowsecurity and exists (select from pg_policy as p where p.polrelid = c.oid))
union all
select 'a table that no client reads has row-level security', c.relname::text
from pg_class as c
where c.relkind in ('r', 'p') and c.relnamespace = 'private'::regnamespace and not c.relrowsecurity
union all
select 'a view asks with the rights of its caller', c.relname::text
from pg_class as c
where c.relkind in ('v', 'm') and c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
    and (c.relkind = 'm' or not coalesce(c.reloptions @> array['security_invoker=true'], false))
union all
select 'a client reads tables and does nothing else with them', format('%s: %s may %s', c.relname, role, privilege)
from pg_class as c, unnest(array['anon', 'authenticated', 'mentor_pause_job', 'portal_sync', 'mentor_pause_api', 'mentor_pause_notifier']) as role,
    unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as privilege
where c.relkind in ('r', 'p', 'v', 'm') and c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
    and (has_table_privilege(role, c.oid, privilege) or (
        privilege in ('select', 'insert', 'update', 'references') and has_any_column_privilege(role, c.oid, privilege)
    ))
    and not (role = 'authenticated' and privilege = 'select')
union all
select 'a client uses no sequence', format('%s: %s', c.relname, role)
from pg_class as c, unnest(array['anon', 'authenticated', 'service_role', 'mentor_pause_job', 'portal_sync', 'mentor_pause_api', 'mentor_pause_notifier']) as role
where c.relkind = 'S' and c.relnamespace = 'public'::regnamespace
    and has_sequence_privilege(role, c.oid, 'usage, select, update')
union all
select 'service_role neither truncates nor refers', format('%s: %s', c.relname, privilege)
from pg_class as c, unnest(array['truncate', 'references', 'trigger']) as privilege
where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
    and has_table_privilege('service_role', c.oid, privilege)
union all
-- Policies.
select 'a policy lets signed-in people read, and nothing else', format('%s on %s', p.polname, p.polrelid::regclass)
from pg_policy as p
where p.polcmd <> 'r' or not p.polpermissive or p.polroles <> array[to_regrole('authenticated')::oid]
union all
select 'a policy''s column is the first of an index', format('%s.%s', d.refobjid::regclass, a.attname)
from pg_depend as d
inner join pg_policy as p on p.oid = d.objid and p.polrelid = d.refobjid
inner join pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
where d.classid = 'pg_policy'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0
    -- The policy asks for the audience of a person's own messages only.
    and not (d.refobjid = 'public.messages'::regclass and a.attname = 'audience')
    and not exists (
        select from pg_index as i where i.indrelid = d.refobjid and i.indkey[0] = d.refobjsubid and i.indpred is null
    )
union all
select 'a foreign key has an index', format('%s on %s', k.conname, k.conrelid::regclass)
from pg_constraint as k
where k.contype = 'f' and k.connamespace = 'public'::regnamespace
    and not exists (
        select from pg_index as i
        where i.indrelid = k.conrelid
            -- A partial index that leaves out null serves the foreign key too.
            and coalesce(pg_get_expr(i.indpred, i.indrelid), '') in ('', format('(%s IS NOT NULL)', (
                select a.attname from pg_attribute as a where a.attrelid = k.conrelid and a.attnum = k.conkey[1]
            )))
            and (string_to_array(i.indkey::text, ' ')::smallint [])[1:cardinality(k.conkey)] @> k.conkey
    )
union all
-- Functions.
select 'a function looks into a temporary schema last', f.oid::regprocedure::text
from pg_proc as f
where f.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
    and not coalesce(f.proconfig @> array['search_path=pg_catalog, pg_temp'], false)
union all
select 'a function of the API is a definer', f.oid::regprocedure::text
from pg_proc as f where f.pronamespace = 'public'::regnamespace and not f.prosecdef
union all
select 'a client executes what is meant for it', format('%s: %s', f.oid::regprocedure, role)
from pg_proc as f, unnest(array['anon', 'authenticated', 'service_role', 'mentor_pause_job', 'portal_sync', 'mentor_pause_api', 'mentor_pause_notifier']) as role
where f.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
    and has_function_privilege(role, f.oid, 'execute')
    and not case
        when role = 'anon' then false
        when f.pronamespace = 'private'::regnamespace
            then role = 'authenticated' and f.proname in (
                'my_orgs', 'my_admin_orgs', 'my_mentors', 'my_memberships', 'my_chapters', 'my_assigned_mentors', 'user_id',
                'my_person_ids'
            )
            or role = 'service_role' and f.proname in ('fold_key', 'is_time_zone', 'are_warning_days')
        when role = 'authenticated' then f.proname in (
            'update_mentor_status', 'get_mentor_status', 'coordinator_mentor_statuses',
            'coordinator_mentor_certifications', 'coordinator_mentor_history',
            'list_my_messages', 'mark_messages_read', 'list_unreachable_mentors',
            'plan_certification_expiry', 'get_plan', 'list_plan', 'approve_plan', 'explain_mentor',
            'get_my_access', 'get_tonight', 'list_my_mentors', 'get_mentor_page', 'list_names', 'list_checks', 'get_check',
            'get_held', 'preview_withdrawal', 'get_website', 'resend_to_portal', 'list_undelivered', 'get_weekly_figures',
            'mark_all_messages_read'
        )
        when role = 'portal_sync' then f.proname in (
            'finish_execution', 'list_run_outcomes', 'report_late_changes',
            'notify_coordinators', 'notify_coordinators_page', 'begin_portal_reading',
            'move_portal_watermark', 'mirror_portal_certifications', 'list_portal_states', 'mark_portal_synced',
            'list_all_portal_states', 'list_portal_certifications', 'remove_portal_certification', 'finish_portal_reading',
            'count_run_renewals',
            'count_unsynced_since_run', 'reset_portal_sync', 'record_portal_drift'
        )
        when role = 'mentor_pause_job' then f.proname in (
            'update_mentor_status', 'list_expired_mentors', 'count_stale_active_mentors', 'assert_org_scope',
            'begin_execution', 'finish_execution', 'notify_coordinators', 'notify_coordinators_page',
            'list_run_outcomes', 'report_late_changes',
            'list_unsynced_mentors', 'list_executions', 'count_run_renewals', 'count_unsynced_since_run',
            'get_org_day', 'get_run_freshness', 'list_running_executions', 'end_lost_execution',
            'count_active_uncertified', 'write_warnings', 'list_messages', 'get_message_figures', 'list_paused_unwarned',
            'make_plan', 'list_planned_mentors', 'list_run_pauses', 'plan_certification_expiry', 'summarise_plan',
            'get_plan', 'get_brake_figures', 'list_missed_nights'
        )
        when role = 'mentor_pause_api' then f.proname in (
            'get_member_role', 'get_execution', 'list_executions', 'begin_execution', 'get_plan', 'list_plan', 'approve_plan',
            'explain_mentor'
        )
        when role = 'mentor_pause_notifier' then f.proname in (
            'begin_digest', 'finish_digest', 'record_delivery', 'settle_messages'
        )
        -- A service has no messages and no mentors of its own.
        when role = 'service_role' then f.proname not in (
            'list_my_messages', 'mark_messages_read', 'list_unreachable_mentors',
            'get_my_access', 'get_tonight', 'list_my_mentors', 'get_mentor_page', 'list_names', 'list_checks', 'get_check',
            'get_held', 'preview_withdrawal', 'get_website', 'resend_to_portal', 'list_undelivered', 'get_weekly_figures',
            'mark_all_messages_read'
        )
        else true
    end
union all
-- The guards of the append-only tables (S6).
select 'an append-only table has neither parent nor child', i.inhrelid::regclass::text
from pg_inherits as i
where array[i.inhrelid, i.inhparent]::regclass []
    && array[
    'public.peer_mentor_status_history', 'public.scheduler_execution_log', 'public.plan_approvals'
]::regclass []
union all
select 'a guard fires whatever the session says', format('%s on %s', t.tgname, t.tgrelid::regclass)
from pg_trigger as t
where not t.tgisinternal and t.tgenabled <> 'A'
    and t.tgrelid in (
        'public.peer_mentor_status_history'::regclass, 'public.scheduler_execution_log'::regclass,
        'public.plan_approvals'::regclass
    )
union all
select 'an append-only table is guarded against each way to rewrite it', format('%s: %s', guarded, kind)
from unnest(array[
    'public.peer_mentor_status_history', 'public.scheduler_execution_log', 'public.plan_approvals'
]::regclass []) as guarded,
    (values ('update', 16), ('delete', 8), ('truncate', 32)) as kinds (kind, bit)
where not exists (
    select from pg_trigger as t
    where t.tgrelid = guarded and not t.tgisinternal and t.tgtype & 2 = 2 and t.tgtype & bit = bit
)
union all
select 'a new mentor makes the next sync read the portal from the beginning (H1)', 'peer_mentors'
where not exists (
    select from pg_trigger as t
    where t.tgrelid = 'public.peer_mentors'::regclass and t.tgfoid = to_regproc('private.restart_portal_reading')
)
union all
select 'the job roles act for the first organisation (R5)', 'organisations'
where not exists (
    select from pg_trigger as t
    where t.tgrelid = 'public.organisations'::regclass
        and t.tgfoid = to_regproc('private.grant_first_organisation')
)
union all
-- Roles (D9).
select 'a job role has no other role', m.member::regrole::text
from pg_auth_members as m where m.member in (
    to_regrole('mentor_pause_job'), to_regrole('portal_sync'), to_regrole('mentor_pause_api'),
    to_regrole('mentor_pause_notifier')
)
union all
select 'a client''s role has no other role', format('%s: %s', m.member::regrole, m.roleid::regrole)
from pg_auth_members as m
where m.member in (to_regrole('anon'), to_regrole('authenticated'), to_regrole('service_role'))
union all
select 'nobody but the owner creates in a schema of functions', format('%s: %s', n.nspname, role)
from pg_namespace as n,
    unnest(array['anon', 'authenticated', 'service_role', 'mentor_pause_job', 'portal_sync', 'mentor_pause_api', 'mentor_pause_notifier']) as role
where n.nspname in ('public', 'private') and has_schema_privilege(role, n.oid, 'create')
union all
select 'nobody has a job role''s rights beside it', m.member::regrole::text
from pg_auth_members as m
where m.roleid in (
    to_regrole('mentor_pause_job'), to_regrole('portal_sync'), to_regrole('mentor_pause_api'),
    to_regrole('mentor_pause_notifier')
)
    and m.member <> (select oid from pg_roles where rolname = current_user)
union all
select 'a job role has no rights of its own', r.rolname::text
from pg_roles as r
where r.rolname in ('mentor_pause_job', 'portal_sync', 'mentor_pause_api', 'mentor_pause_notifier')
    and (r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolreplication or r.rolinherit)
union all
-- Descriptions.
select 'a table or view is described', c.relname::text
from pg_class as c
where c.relkind in ('r', 'p', 'v', 'm') and c.relnamespace = 'public'::regnamespace
    and obj_description(c.oid, 'pg_class') is null
union all
select 'a function is described', f.oid::regprocedure::text
from pg_proc as f
where f.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
    and obj_description(f.oid, 'pg_proc') is null;
