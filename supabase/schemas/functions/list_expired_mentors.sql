-- One keyset page of the active mentors whose latest certification expired on or before p_as_of (E1, D7).
-- It does not know the brake (G2): the runs list from their plan (make_plan).
-- Called by: an adopter who compares their own data with it.
-- Errors: 42501 not_your_organisation, 22023 an argument is out of bounds.

create or replace function public.list_expired_mentors(p_org_id uuid, p_as_of date, p_after uuid, p_limit integer)
returns table (mentor_id uuid)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select e.mentor_id
    from private.expired_mentors(p_org_id, p_as_of, p_after, private.page_limit(p_org_id, p_as_of, p_limit)) as e
$$;
comment on function public.list_expired_mentors is
'Active mentors with an expired certification, in id order, after p_after (null for the first page).';
revoke execute on function public.list_expired_mentors from public, anon, authenticated;
grant execute on function public.list_expired_mentors to service_role, mentor_pause_job;
