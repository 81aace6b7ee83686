-- One keyset page of the active mentors whose latest certification expired on or before p_as_of (E1, D7).
-- Called by: the dispatcher, once per page, with the last id of the page before.
-- Errors: 42501 not_your_organisation, 22023 an argument is out of bounds.

create or replace function public.list_expired_mentors(p_org_id uuid, p_as_of date, p_after uuid, p_limit integer)
returns table (mentor_id uuid)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select m.id
    from public.peer_mentors as m
    where
        m.org_id = p_org_id
        and m.status = 'active'
        and m.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        and (select max(c.expires_on) from public.certifications as c where c.mentor_id = m.id) <= p_as_of
    order by m.id
    limit private.page_limit(p_org_id, p_as_of, p_limit)
$$;
comment on function public.list_expired_mentors is
'Active mentors with an expired certification, in id order, after p_after (null for the first page).';
revoke execute on function public.list_expired_mentors from public, anon, authenticated;
grant execute on function public.list_expired_mentors to service_role, mentor_pause_job;
