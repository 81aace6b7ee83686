-- The certifications of one of a coordinator's mentors, the latest first (S4, S7). Another's mentor
-- has none here, and neither has one who does not exist.
-- Locks: none. Called by: the app, for a coordinator; services. Errors: PT403 somebody else's mentors.

create function public.coordinator_mentor_certifications(p_coordinator_id uuid, p_mentor_id uuid)
returns table (certification_id uuid, mentor_id uuid, expires_on date)
language sql
stable
security definer
set search_path = ''
as $$
    -- A statement of its own: within the query it would not be asked where no row comes that far.
    select private.assert_asks_for_self(p_coordinator_id);
    select c.id, c.mentor_id, c.expires_on
    from public.certifications as c
    where
        c.mentor_id = p_mentor_id
        and c.mentor_id in (select private.coordinated_mentors(p_coordinator_id))
    order by c.expires_on desc, c.id
$$;
comment on function public.coordinator_mentor_certifications is
'The certifications of one mentor for whom the coordinator is responsible, latest first.';
revoke execute on function public.coordinator_mentor_certifications from public, anon, authenticated;
grant execute on function public.coordinator_mentor_certifications to authenticated, service_role;
