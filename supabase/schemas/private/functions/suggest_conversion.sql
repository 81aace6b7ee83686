-- Suggests how a mapping converts a column. A plain cast of a moment to a day would depend on the session's
-- time zone, and end a certification a day too early.
-- Called by: private.check_tables.

create or replace function private.suggest_conversion(p_from text, p_to text)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when p_to = 'uuid' then 'give each row a uuid in a new column'
        when p_to = 'date' and p_from = 'timestamp with time zone'
            then '((YOURS - interval ''1 microsecond'') at time zone ''Europe/Oslo'')::date + 1'
        when p_to = 'date' and p_from = 'timestamp without time zone' then '(YOURS - interval ''1 microsecond'')::date + 1'
        when p_to = 'date' then 'to_date(YOURS, ''DD.MM.YYYY'') + 1, by the format of your days'
        when p_to = 'timestamp with time zone' and p_from = 'date' then '(YOURS + 1)::timestamp at time zone ''Europe/Oslo'''
        when p_to = 'timestamp with time zone' and p_from = 'boolean' then 'null::timestamptz, and leave the ended rows out'
        when p_to = 'timestamp with time zone' then 'YOURS at time zone ''Europe/Oslo'''
        else format('YOURS::%s', p_to)
    end
$$;
comment on function private.suggest_conversion is 'How a mapping converts a column YOURS of one type into another type.';
revoke execute on function private.suggest_conversion from public, anon, authenticated;
