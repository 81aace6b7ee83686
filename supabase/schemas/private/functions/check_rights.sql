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
