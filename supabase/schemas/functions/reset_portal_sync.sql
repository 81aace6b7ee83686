-- Deletes the record of what the portal holds about a mentor, so that the next sync run sends it again (H5).
-- An operator uses it after somebody has changed the mentor in the portal by hand.
-- Called by: the command line (`mentor-pause portal resync`), which logs in as portal_sync.
-- Locks: the mentor's row of the sync state.
-- Errors: PT404 no such mentor, 42501 not_your_organisation.

create or replace function public.reset_portal_sync(p_org_id uuid, p_mentor_id uuid)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform private.assert_job_org(p_org_id);
    perform from public.peer_mentors as m where m.id = p_mentor_id and m.org_id = p_org_id;
    if not found then
        raise exception 'mentor not found' using errcode = 'PT404',
            detail = 'no such mentor in this organisation', hint = 'mentor_not_found';
    end if;
    delete from public.portal_sync_state as s where s.mentor_id = p_mentor_id;
    return found;
end
$$;
comment on function public.reset_portal_sync is
'Makes the next sync run send a mentor to the portal again; false: it would send them anyway.';
revoke execute on function public.reset_portal_sync from public, anon, authenticated;
grant execute on function public.reset_portal_sync to service_role, portal_sync;
