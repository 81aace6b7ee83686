-- forget_portal_sync as it was (20261124001300), for the role portal_sync too: it keeps what the portal was told, and
-- `mentor-pause portal again` logs in as it. A job role is confined to its organisations (20261126000060).
-- Locks: the mentor's row of the sync state. Called by: the command line. Errors: PT404 no such mentor; 42501 with the
-- hint not_your_organisation.

create or replace function public.forget_portal_sync(p_org_id uuid, p_mentor_id uuid)
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
grant execute on function public.forget_portal_sync to portal_sync;
