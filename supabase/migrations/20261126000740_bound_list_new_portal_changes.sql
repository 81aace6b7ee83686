-- list_new_portal_changes as it was (20261124000800), confined to the organisations of the job role that asks (20261126000060) and with
-- bounded arguments (20261126000070). It compares
-- keys by private.fold_key.
-- Locks: none. Called by: the portal worker, once per page of changes.

create or replace function public.list_new_portal_changes(
    p_org_id uuid, p_portal_ids text [], p_portal_keys text [], p_modified_ons timestamptz []
)
returns table (portal_id text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_few('p_portal_ids', cardinality(p_portal_ids));
    select private.assert_few('p_portal_keys', cardinality(p_portal_keys));
    select private.assert_few('p_modified_ons', cardinality(p_modified_ons));
    select n.portal_id
    from unnest(p_portal_ids, p_portal_keys, p_modified_ons) as n (portal_id, portal_key, modified_on)
    inner join public.peer_mentors as m
        on m.org_id = p_org_id
        and private.fold_key(coalesce(m.portal_key, m.id::text)) = private.fold_key(n.portal_key)
    where not exists (
        select from public.certifications as c
        where c.portal_id = n.portal_id and c.portal_modified_on >= n.modified_on
    )
$$;
comment on function public.list_new_portal_changes is
'Those of the given certifications of the portal that are of our mentors and not stored as they are now.';
revoke execute on function public.list_new_portal_changes from public, anon, authenticated;
grant execute on function public.list_new_portal_changes to service_role, portal_sync;
