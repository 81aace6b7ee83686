-- Ends a run's reading of the portal and decides which mentors it has renewed (H1). A mentor is renewed if
-- they are now certified beyond today, and for longer than before the reading. The function writes the run's
-- id into the certification that renews them; counts and notifications use that id.
-- Called by: the portal worker. Repeated calls change nothing.
-- Locks: the certifications that renew.
-- Errors: 42501 not_your_organisation.

create or replace function public.finish_portal_reading(p_org_id uuid, p_job_run_id uuid)
returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
declare
    v_today constant date := private.org_today(p_org_id);
    v_count bigint;
begin
    perform private.assert_job_org(p_org_id);
    if exists (
        select from public.scheduler_execution_log as l
        where l.job_run_id = p_job_run_id and l.status in ('completed', 'failed')
    ) then
        return 0;  -- too late for notifications; the next run's reading finds the renewals
    end if;
    with changed as (
        delete from private.portal_changes as p
        using public.peer_mentors as m
        where m.id = p.mentor_id and m.org_id = p_org_id
        returning p.mentor_id, p.certified_until
    ),

    longest as (
        select distinct on (c.mentor_id) c.id, c.expires_on, ch.certified_until
        from changed as ch
        inner join public.certifications as c on c.mentor_id = ch.mentor_id
        order by c.mentor_id, c.expires_on desc, c.portal_id is null, c.id
    )

    update public.certifications as c set job_run_id = p_job_run_id
    from longest as l
    where c.id = l.id and l.expires_on > v_today and l.expires_on > coalesce(l.certified_until, '-infinity');
    get diagnostics v_count = row_count;
    return v_count;
end
$$;
comment on function public.finish_portal_reading is
'Ends a run''s reading of the portal: marks the certifications that renew a mentor, and returns their number.';
revoke execute on function public.finish_portal_reading from public, anon, authenticated;
grant execute on function public.finish_portal_reading to service_role, portal_sync;
