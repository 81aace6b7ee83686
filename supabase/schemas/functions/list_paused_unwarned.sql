-- The mentors whom the runs for a day paused without a warning at least 14 days before (W7), in id order. It pages by
-- keyset: p_after is the last mentor of the page before.
-- Called by: the monitor; the command line.
-- Errors: 42501 not_your_organisation, 22023 an argument is out of bounds.

create or replace function public.list_paused_unwarned(
    p_org_id uuid, p_as_of date, p_after uuid default null, p_limit integer default 1000
)
returns table (mentor_id uuid)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_date('p_as_of', p_as_of);
    select private.assert_limit(p_limit);
    -- Each run's mentors are cut to the page by themselves: an index has them in this order.
    select distinct page.mentor_id
    from public.scheduler_execution_log as l
    cross join lateral (
        select h.mentor_id
        from public.peer_mentor_status_history as h
        where h.job_run_id = l.job_run_id
            and h.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
            and not exists (
                select from public.warnings as w
                where w.mentor_id = h.mentor_id and w.expires_on = h.certification_expiry_date
                    and w.warned_on <= p_as_of - 14
            )
        order by h.mentor_id
        limit p_limit
    ) as page
    where l.org_id = p_org_id and l.as_of = p_as_of and l.job_name = 'certification_expiry'
        and l.started_at > p_as_of - 2 and l.status in ('running', 'completed', 'failed') and not l.dry_run
    order by page.mentor_id
    limit p_limit
$$;
comment on function public.list_paused_unwarned is
'The mentors whom the runs for a day paused, and who were not warned at least 14 days before.';
revoke execute on function public.list_paused_unwarned from public, anon, authenticated;
grant execute on function public.list_paused_unwarned to service_role, mentor_pause_job;
