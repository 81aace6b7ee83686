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
