-- The nights without a completed run (G7), newest first: of the 30 days up to p_as_of, each day for which no complete
-- certification expiry run ended well. A later run pauses the mentors of a missed night, but they were visible until then.
-- Days before the organisation's first completed run do not count.
-- Called by: the command line.
-- Errors: 42501 not_your_organisation, 22023 p_as_of is out of bounds.

create or replace function public.list_missed_nights(p_org_id uuid, p_as_of date)
returns table (as_of date)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_date('p_as_of', p_as_of);
    with nights as (
        select distinct l.as_of
        from public.scheduler_execution_log as l
        where l.org_id = p_org_id and l.job_name = 'certification_expiry' and l.status = 'completed'
            and not l.dry_run and l.redrive_of is null and l.plan_of is null
    )

    select p_as_of - back.days
    from generate_series(0, 29) as back (days)
    where p_as_of - back.days > (select min(n.as_of) from nights as n)
        and p_as_of - back.days not in (select n.as_of from nights as n where n.as_of is not null)
    order by back.days
$$;
comment on function public.list_missed_nights is 'The days without a completed certification expiry run, of the last 30, newest first.';
revoke execute on function public.list_missed_nights from public, anon, authenticated;
grant execute on function public.list_missed_nights to service_role, mentor_pause_job;
