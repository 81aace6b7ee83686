-- The part of the self-check that compares our tables with an adopter's own (R6). docs/adopting.md lets an adopter write the
-- mapping as views in a schema adopted, which have the names and columns of our tables; triggers keep our tables in step with them.
-- The status is left out: after a mentor is entered only update_mentor_status changes it.
-- Locks: none. Called by: private.check_mapping, after tables and columns are known to fit.

create function private.check_adopted()
returns table (area text, level text, finding text, what_to_do text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
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
        continue when v_table not in ('org_members', 'peer_mentors');
        execute format(
            'select count(*), min(row_to_json(x)::text) from (
                select %1$s from public.%2$I where %3$s except select %1$s from adopted.%2$I) as x',
            v_columns, v_table, case v_table when 'peer_mentors' then 'status <> ''inactive''' else 'true' end
        ) into v_count, v_example;
        if v_count > 0 then
            return query select 'in step', 'wrong',
                format('rows of public.%s that adopted.%1$s does not have: %s, for example %s', v_table, v_count, v_example),
                'members keep their rights, mentors are paused by a night: take the rows out, or make the mentors inactive';
        end if;
    end loop;
end
$$;
comment on function private.check_adopted is 'Findings about tables of ours that are not in step with the views in the schema adopted.';
revoke execute on function private.check_adopted from public, anon, authenticated;
