-- Removes a certification that is not valid in the portal any more (H1): the run's reading has not met it, and the worker has asked
-- the portal for it by its id.
-- Locks: the certification. Called by: the portal worker; repeated calls change nothing. Errors: 42501 not_your_organisation.

create function public.remove_portal_certification(p_org_id uuid, p_portal_id text, p_job_run_id uuid)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
begin
    perform private.assert_job_org(p_org_id);
    perform private.note_portal_change(c.mentor_id)
    from public.certifications as c
    inner join public.peer_mentors as m on m.id = c.mentor_id and m.org_id = p_org_id
    where c.portal_id = p_portal_id;
    delete from public.certifications as c
    using public.peer_mentors as m
    where c.portal_id = p_portal_id and c.met_by is distinct from p_job_run_id
        and m.id = c.mentor_id and m.org_id = p_org_id;
    return found;
end
$$;
comment on function public.remove_portal_certification is
'Removes a certification that the run''s reading of the portal has not met; false: it has met it, or it is gone already.';
revoke execute on function public.remove_portal_certification from public, anon, authenticated;
grant execute on function public.remove_portal_certification to service_role, portal_sync;
