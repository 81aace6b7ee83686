-- Which of these changes of the portal are to be stored: of mentors of ours, and not stored yet. Pages overlap,
-- and the portal certifies others too; most of what is read again costs this one call (H1).
-- Locks: none. Called by: the portal worker, once per page of changes.

create function public.list_new_portal_changes(
    p_org_id uuid, p_portal_ids text [], p_portal_keys text [], p_modified_ons timestamptz []
)
returns table (portal_id text)
language sql
stable
security definer
set search_path = ''
as $$
    select n.portal_id
    from unnest(p_portal_ids, p_portal_keys, p_modified_ons) as n (portal_id, portal_key, modified_on)
    inner join public.peer_mentors as m
        on m.org_id = p_org_id and lower(coalesce(m.portal_key, m.id::pg_catalog.text)) = lower(n.portal_key)
    where not exists (
        select from public.certifications as c
        where c.portal_id = n.portal_id and c.portal_modified_on >= n.modified_on
    )
$$;
comment on function public.list_new_portal_changes is
'Those of the given certifications of the portal that are of our mentors and not stored as they are now.';
revoke execute on function public.list_new_portal_changes from public, anon, authenticated;
grant execute on function public.list_new_portal_changes to service_role, portal_sync;
