-- The history of one of a coordinator's mentors, the newest first (S4, S7). Another's mentor has none
-- here, and neither has one who does not exist.
-- Locks: none. Called by: the app, for a coordinator; services. It pages by keyset: p_before is the
-- last id of the page before. Errors: PT403 somebody else's mentors.

create function public.coordinator_mentor_history(
    p_coordinator_id uuid, p_mentor_id uuid, p_before bigint default null, p_limit integer default 100
)
returns setof public.peer_mentor_status_history
language sql
stable
security definer
set search_path = ''
as $$
    -- A statement of its own: within the query it would not be asked where no row comes that far.
    select private.assert_asks_for_self(p_coordinator_id);
    select h.*
    from public.peer_mentor_status_history as h
    where
        h.mentor_id = p_mentor_id
        and h.mentor_id in (select private.coordinated_mentors(p_coordinator_id))
        and h.id < coalesce(p_before, 9223372036854775807)
    order by h.id desc
    limit p_limit
$$;
comment on function public.coordinator_mentor_history is
'The history of one mentor for whom the coordinator is responsible, newest first.';
revoke execute on function public.coordinator_mentor_history from public, anon, authenticated;
grant execute on function public.coordinator_mentor_history to authenticated, service_role;
