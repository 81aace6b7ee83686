-- Which of these changes of the portal are stored, as far as it has told of them: pages overlap, and most of
-- what is read again is stored already (H1).
-- Locks: none. Called by: the portal worker, once per page of changes.

create function public.list_stored_portal_changes(p_org_id uuid, p_portal_ids text [])
returns table (portal_id text, portal_modified_on timestamptz)
language sql
stable
security definer
set search_path = ''
as $$
    select c.portal_id, c.portal_modified_on
    from public.certifications as c
    inner join public.peer_mentors as m on m.id = c.mentor_id
    where m.org_id = p_org_id and c.portal_id = any(p_portal_ids)
$$;
comment on function public.list_stored_portal_changes is
'Those of the given certifications of the portal that are stored, and the change they are stored with.';
revoke execute on function public.list_stored_portal_changes from public, anon, authenticated;
grant execute on function public.list_stored_portal_changes to service_role, portal_sync;
