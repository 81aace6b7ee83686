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
