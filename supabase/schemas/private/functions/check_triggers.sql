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
