-- Runs one statement as one persona, takes it back, and says in a word what came of it.
--
--   x      no grant                         not    PT403: not yours, or there is none
--   -      allowed, but no row is seen      res    PT403: reserved for the job
--   w      rows were written                ppl    PT403: people pause and resume only
--   0      allowed, but no row was written  404    PT404: there is none
--   fk     stopped by a foreign key         state  PT409: not allowed from this state
--   check  stopped by a constraint          valid  skipped: the certification has not expired
--   only   stopped: append-only             ver    PT409: somebody was faster
--   ok     changed, or returned something   exp    PT409: the certification has expired
--   null   stopped, because a value is missing
--   org    42501: the job role acts for another organisation
--   mem    PT403: not a member
--   adm    PT403: not an administrator      own    PT403: the caller asked for the run
--   old    PT409: there is a newer plan, or another hash; or the approval has lapsed
--   other  letters: the rows that are seen, by the names of world.sql

create temp table persona (position integer primary key, name text not null unique, role text not null);
insert into persona values
(1, 'anon', 'anon'), (2, 'nobody', 'authenticated'), (3, 'mentor', 'authenticated'),
(4, 'assign', 'authenticated'), (5, 'second', 'authenticated'), (6, 'chapt', 'authenticated'),
(7, 'chapts', 'authenticated'), (8, 'both', 'authenticated'), (9, 'former', 'authenticated'),
(10, 'admin', 'authenticated'), (11, 'o_coord', 'authenticated'), (12, 'o_admin', 'authenticated'),
(13, 'across', 'authenticated'), (14, 'service', 'service_role'), (15, 'job', 'mentor_pause_job'),
(16, 'portal', 'portal_sync'), (17, 'owner', current_user), (18, 'api', 'mentor_pause_api'),
(19, 'notifier', 'mentor_pause_notifier');

-- '{a}' becomes the id of a, as a literal.
create function pg_temp.filled(p_statement text) returns text language plpgsql as $$
declare
    v_name text;
begin
    for v_name in select name from named loop
        p_statement := replace(p_statement, '{' || v_name || '}', quote_literal(pg_temp.id(v_name)));
    end loop;
    return p_statement;
end
$$;

-- Ids become letters; one letter each is written as a word, others with commas. A row that comes twice
-- is written twice.
create function pg_temp.lettered(p_rows text []) returns text language sql stable as $$
    with tokens as (
        select (
            select coalesce(string_agg(coalesce(n.letter, part), '' order by place), '?')
            from unnest(string_to_array(line, '/')) with ordinality as parts (part, place)
            left join named as n on md5('mentor-pause ' || n.name)::uuid::text = part
        ) as token
        from unnest(p_rows) as line
    )
    select coalesce(
        string_agg(token, case when length(token) > 1 then ',' else '' end order by token collate "C"), '-'
    )
    from tokens
$$;

create function pg_temp.attempt(p_persona text, p_statement text) returns text language plpgsql as $$
declare
    v_role text := (select role from persona where name = p_persona);
    v_claims text := jsonb_build_object('sub', pg_temp.id(p_persona), 'role', v_role);
    v_statement text := pg_temp.filled(p_statement);
    v_reads constant boolean := p_statement ilike 'select%';
    v_rows text [];
    v_count integer;
    v_hint text;
begin
    begin
        perform set_config('request.jwt.claims', v_claims, true);
        perform set_config('role', v_role, true);
        if v_reads then
            execute v_statement into v_rows;
        else
            execute v_statement;
            get diagnostics v_count = row_count;
        end if;
        -- Leaving by an error takes back the statement and who we were.
        raise exception using errcode = 'ZZ000';
    exception when others then
        get stacked diagnostics v_hint = pg_exception_hint;
        if sqlstate = 'ZZ000' then
            return case
                when v_reads then pg_temp.lettered(v_rows)
                when p_statement ilike 'truncate%' then 'w'
                when v_count > 0 then 'w'
                else '0'
            end;
        end if;
        return case
            when sqlstate = '42501' and sqlerrm like 'permission denied for %' then 'x'
            when sqlstate = '42501' and sqlerrm like '% is append-only' then 'only'
            when sqlstate = '23503' then 'fk'
            when sqlstate = '23514' then 'check'
            when sqlstate = '23502' then 'null'
            when v_hint = 'not_your_organisation' then 'org'
            when v_hint = 'not_yours' then 'not'
            when v_hint = 'reserved_for_the_job' then 'res'
            when v_hint = 'not_for_people' then 'ppl'
            when v_hint = 'mentor_not_found' then '404'
            when v_hint = 'transition_not_allowed' then 'state'
            when v_hint = 'version_conflict' then 'ver'
            when v_hint = 'certification_expired' then 'exp'
            when v_hint = 'not_an_administrator' then 'adm'
            when v_hint = 'not_a_member' then 'mem'
            when v_hint = 'own_run' then 'own'
            when v_hint in ('plan_changed', 'plan_lapsed') then 'old'
            when sqlstate like 'PT%' or sqlstate = '22023' then sqlstate
            else sqlstate || ' ' || sqlerrm
        end;
    end;
end
$$;
