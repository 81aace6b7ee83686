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
