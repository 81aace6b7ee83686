-- The day of the newest night whose check should be over (C2), in the organisation's time zone. The nightly job begins at
-- 02:00 UTC, and has 29 minutes; the monitor has the same rule (functions/monitor/nightly_check.py), and a test compares them.
-- Called by: get_tonight, private.paused_tonight.

create or replace function private.due_day(p_org_id uuid, p_at timestamptz default statement_timestamp())
returns date
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select (
        (date_trunc('day', (p_at - interval '2 hours 29 minutes') at time zone 'UTC') + interval '2 hours')
        at time zone 'UTC' at time zone o.time_zone
    )::date
    from public.organisations as o where o.id = p_org_id
$$;
comment on function private.due_day is 'The day of the newest night whose check should be over.';
revoke execute on function private.due_day from public, anon, authenticated;
