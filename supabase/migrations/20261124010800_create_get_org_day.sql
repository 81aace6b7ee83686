-- Which day it was for an organisation at a moment: who has expired by the day of the last nightly run should
-- be paused, and who expires on a day whose night has not come yet need not be (O1).
-- Locks: none. Called by: the monitor.

create function public.get_org_day(p_org_id uuid, p_at timestamptz)
returns date
language sql
stable
security definer
set search_path = ''
as $$
    select (p_at at time zone o.time_zone)::pg_catalog.date
    from public.organisations as o where o.id = p_org_id
$$;
comment on function public.get_org_day is
'Which day it was at a moment in the organisation''s time zone; null if there is no such organisation.';
revoke execute on function public.get_org_day from public, anon, authenticated;
grant execute on function public.get_org_day to service_role, mentor_pause_job;
