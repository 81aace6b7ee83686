-- The history of one of a coordinator's mentors, the newest row first (S4, S7). It returns no row for another
-- coordinator's mentor, and no row for a mentor who does not exist. It pages by keyset: p_before is the last
-- id of the page before.
-- Called by: the app, for a coordinator; services.
-- Errors: PT403 the caller asks about another coordinator, 22023 p_limit is out of bounds.

create or replace function public.coordinator_mentor_history(
    p_coordinator_id uuid, p_mentor_id uuid, p_before bigint default null, p_limit integer default 100
)
returns setof public.peer_mentor_status_history
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    -- Separate statements: inside the query PostgreSQL would not evaluate them for an empty result.
    select private.assert_caller_is(p_coordinator_id);
    select private.assert_limit(p_limit);
    select h.*
    from public.peer_mentor_status_history as h
    where
        h.mentor_id = p_mentor_id
        and h.mentor_id in (select private.coordinated_mentors(p_coordinator_id, p_mentor_id, p_mentor_id))
        and h.id < coalesce(p_before, 9223372036854775807)
    order by h.id desc
    limit p_limit
$$;
comment on function public.coordinator_mentor_history is
'The history of one of a coordinator''s mentors, newest first.';
revoke execute on function public.coordinator_mentor_history from public, anon, authenticated;
grant execute on function public.coordinator_mentor_history to authenticated, service_role;
