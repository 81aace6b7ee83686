-- The certifications of one of a coordinator's mentors, the latest first (S4, S7). It returns no row for
-- another coordinator's mentor, and no row for a mentor who does not exist.
-- Called by: the app, for a coordinator; services.
-- Errors: PT403 the caller asks about another coordinator.

create or replace function public.coordinator_mentor_certifications(p_coordinator_id uuid, p_mentor_id uuid)
returns table (certification_id uuid, mentor_id uuid, expires_on date)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    -- A separate statement: inside the query PostgreSQL would not evaluate it for an empty result.
    select private.assert_caller_is(p_coordinator_id);
    select c.id, c.mentor_id, private.clamp_day(c.expires_on)
    from public.certifications as c
    where
        c.mentor_id = p_mentor_id
        and c.mentor_id in (select private.coordinated_mentors(p_coordinator_id, p_mentor_id, p_mentor_id))
    order by c.expires_on desc, c.id
$$;
comment on function public.coordinator_mentor_certifications is
'The certifications of one of a coordinator''s mentors, latest first.';
revoke execute on function public.coordinator_mentor_certifications from public, anon, authenticated;
grant execute on function public.coordinator_mentor_certifications to authenticated, service_role;
