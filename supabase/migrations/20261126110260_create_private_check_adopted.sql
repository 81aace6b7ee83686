-- The part of the self-check that compares our tables with an adopter's own (R6). docs/adopting.md lets an adopter write the
-- mapping as views in a schema adopted, which have the names and columns of our tables; triggers keep our tables in step with them.
-- After a mentor is entered only update_mentor_status changes the status, and counts the version up. So a status that differs in
-- version 1 has changed in the adopter's table. A later one may differ. Rows of organisations that are not in adopted.organisation, and
-- certifications that the portal brought, are not the adopter's.
-- Locks: none. Called by: private.check_mapping, after tables and columns are known to fit.

create function private.check_adopted()
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
                format('rows of adopted.%s that public.%1$s has otherwise or not at all: %s, for example %s', v_table, v_count, v_example),
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
                'members keep their rights, mentors are paused by a night or kept active: '
                'take the rows out, or make the mentors inactive';
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
                'a night looks at public.peer_mentors: change the status by update_mentor_status, '
                'and let the app write to a view that computes each column from which the status comes';
        end if;
    end if;
end
$$;
comment on function private.check_adopted is 'Findings about tables of ours that are not in step with the views in the schema adopted.';
revoke execute on function private.check_adopted from public, anon, authenticated;

-- The triggers that keep our tables in step with the views in the schema adopted: each view has one, and its function runs. PL/pgSQL
-- looks at the columns of old and new only when a trigger fires. So one row of each table is updated to itself, and that is undone.
-- It fires the adopter's other triggers too, which may name tables without a schema: the update has the search_path that a new session
-- of the caller has. A failure in which no function of the mapping takes part is there without the mapping too.
-- Locks: one row of each table that has such a trigger, until the update is undone; a row that is locked is passed over. Where a trigger
-- fills a whole table, it waits for a transaction that does so too.
-- Called by: private.check_mapping.
create function private.check_triggers()
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

    -- What a trigger runs: its function, and functions that the function or an argument of the trigger names.
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
comment on function private.check_triggers is 'Findings about the triggers that keep tables of ours in step with the views in the schema adopted.';
revoke execute on function private.check_triggers from public, anon, authenticated;
