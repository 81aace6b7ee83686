-- One keyset page of the certifications that are mirrored from the portal (H1, H5): all of them, or those
-- that a run's reading has not seen.
-- Called by: the portal worker at the end of its reading; the drift measurement.
-- Errors: 42501 not_your_organisation, 22023 p_limit is out of bounds.

create or replace function public.list_portal_certifications(
    p_org_id uuid, p_after text, p_limit integer, p_unseen_by uuid default null
)
returns table (portal_id text, portal_key text, expires_on date)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_between('p_limit', coalesce(p_limit, 0), 1, 500);
    select c.portal_id, coalesce(m.portal_key, m.id::text), private.clamp_day(c.expires_on)
    from public.certifications as c
    inner join public.peer_mentors as m on m.id = c.mentor_id and m.org_id = p_org_id
    where c.portal_id > coalesce(p_after, '') and (p_unseen_by is null or c.seen_by_run_id is distinct from p_unseen_by)
    order by c.portal_id
    limit p_limit
$$;
comment on function public.list_portal_certifications is
'The certifications that are mirrored from the portal, in the order of their ids, after p_after.';
revoke execute on function public.list_portal_certifications from public, anon, authenticated;
grant execute on function public.list_portal_certifications to service_role, portal_sync;
