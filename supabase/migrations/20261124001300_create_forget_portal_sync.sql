-- Forgets what the portal was told of a mentor, so that the next sync run tells it again (H5): after a
-- hand in the portal has changed what it was told.
-- Locks: the mentor's row of the sync state. Called by: the command line. Errors: PT404 no such mentor.

create function public.forget_portal_sync(p_org_id uuid, p_mentor_id uuid)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform from public.peer_mentors as m where m.id = p_mentor_id and m.org_id = p_org_id;
    if not found then
        raise exception 'mentor not found' using errcode = 'PT404',
            detail = 'no such mentor in this organisation', hint = 'mentor_not_found';
    end if;
    delete from public.portal_sync_state as s where s.mentor_id = p_mentor_id;
    return found;
end
$$;
comment on function public.forget_portal_sync is
'Lets the next sync run tell the portal of a mentor again; false: it would have done so anyway.';
revoke execute on function public.forget_portal_sync from public, anon, authenticated;
grant execute on function public.forget_portal_sync to service_role;
