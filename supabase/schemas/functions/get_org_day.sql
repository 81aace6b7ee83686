-- Returns the organisation's day at a given moment (O1). A mentor whose certification had expired by the day
-- of the last nightly run should be paused. A mentor whose certification expires on a later day need not be.
-- Called by: the monitor.
-- Errors: 42501 not_your_organisation, 22023 p_at is out of bounds.

create or replace function public.get_org_day(p_org_id uuid, p_at timestamptz)
returns date
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_timestamp('p_at', p_at);
    select (p_at at time zone o.time_zone)::date
    from public.organisations as o where o.id = p_org_id
$$;
comment on function public.get_org_day is
'The day at a moment in the organisation''s time zone; null if there is no such organisation.';
revoke execute on function public.get_org_day from public, anon, authenticated;
grant execute on function public.get_org_day to service_role, mentor_pause_job;
