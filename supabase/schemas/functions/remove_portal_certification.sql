-- Removes a certification that is no longer valid in the portal (H1). The run's reading has not seen it, and
-- the worker has asked the portal for it by its id.
-- Called by: the portal worker. Repeated calls change nothing.
-- Locks: the certification.
-- Errors: 42501 not_your_organisation.

create or replace function public.remove_portal_certification(p_org_id uuid, p_portal_id text, p_job_run_id uuid)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
begin
    perform private.assert_job_org(p_org_id);
    perform private.record_portal_change(c.mentor_id)
    from public.certifications as c
    inner join public.peer_mentors as m on m.id = c.mentor_id and m.org_id = p_org_id
    where c.portal_id = p_portal_id;
    with gone as (
        delete from public.certifications as c
        using public.peer_mentors as m
        where c.portal_id = p_portal_id and c.seen_by_run_id is distinct from p_job_run_id
            and m.id = c.mentor_id and m.org_id = p_org_id
        returning c.mentor_id, c.portal_id, c.expires_on
    )

    insert into public.certification_changes (mentor_id, portal_id, changed_by, job_run_id, from_expires_on)
    select g.mentor_id, g.portal_id, private.caller(), p_job_run_id, private.clamp_day(g.expires_on) from gone as g;
    return found;
end
$$;
comment on function public.remove_portal_certification is
'Removes a certification that the run''s reading of the portal has not seen; false: it has seen it, or it does not exist.';
revoke execute on function public.remove_portal_certification from public, anon, authenticated;
grant execute on function public.remove_portal_certification to service_role, portal_sync;
