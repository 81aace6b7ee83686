-- get_org_day as it was (20261124010800), confined to the organisations of the job role that asks (20261126000060) and with
-- bounded arguments (20261126000070).
-- Locks: none. Called by: the monitor.

create or replace function public.get_org_day(p_org_id uuid, p_at timestamptz)
returns date
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_moment('p_at', p_at);
    select (p_at at time zone o.time_zone)::date
    from public.organisations as o where o.id = p_org_id
$$;
comment on function public.get_org_day is
'Which day it was at a moment in the organisation''s time zone; null if there is no such organisation.';
revoke execute on function public.get_org_day from public, anon, authenticated;
grant execute on function public.get_org_day to service_role, mentor_pause_job;
