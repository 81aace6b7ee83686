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
