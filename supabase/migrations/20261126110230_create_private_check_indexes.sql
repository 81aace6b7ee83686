-- The part of the self-check that asks the planner how it finds the rows of one mentor, coordinator, chapter or user in each
-- table that may be a view (R6). A night asks once per mentor; without an index it would read a whole table for each mentor.
-- The planner is told to avoid whole tables, so it reads one only where an index is missing, however small the table.
-- Locks: none. Called by: private.check_mapping, after the columns are known to fit.

create function private.check_indexes()
returns table (area text, level text, finding text, what_to_do text)
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
set enable_hashjoin = 'off'
set enable_mergejoin = 'off'
as $$
declare
    v_table text;
    v_column text;
    v_plan json;
begin
    for v_table, v_column in
        values
            ('certifications', 'mentor_id'), ('assignments', 'mentor_id'), ('assignments', 'coordinator_id'),
            ('coordinator_chapters', 'coordinator_id'), ('coordinator_chapters', 'chapter_id'), ('org_members', 'user_id')
    loop
        execute format(
            'explain (verbose, format json) select * from public.%I where %I = %L', v_table, v_column, gen_random_uuid()
        ) into v_plan;
        return query
        select distinct
            'indexes', 'wrong',
            format('public.%s is asked by %s and reads the whole of %I.%I', v_table, v_column, n ->> 'Schema', n ->> 'Relation Name'),
            format('create an index on the column of %I.%I from which %s comes', n ->> 'Schema', n ->> 'Relation Name', v_column)
        from jsonb_path_query(v_plan::jsonb, 'strict $.** ? (exists (@."Relation Name"))') as n
        where
            n ->> 'Node Type' in ('Seq Scan', 'Index Scan', 'Index Only Scan') and not n ? 'Index Cond'
            and n ->> 'Relation Name' <> 'organisations';
    end loop;
end
$$;
comment on function private.check_indexes is 'Findings about missing indexes of mapped tables.';
revoke execute on function private.check_indexes from public, anon, authenticated;
