-- Fails if a person asks about another coordinator's mentors (S7). A service may ask about every coordinator.
-- The queries also filter by p_coordinator_id.
-- Called by: the coordinator queries.
-- Errors: PT403 not_yours.

create or replace function private.assert_caller_is(p_coordinator_id uuid)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if private.caller() <> 'service' and p_coordinator_id is distinct from private.user_id() then
        raise exception 'not your mentors' using errcode = 'PT403', hint = 'not_yours',
            detail = 'p_coordinator_id must be the caller''s own id';
    end if;
end
$$;
comment on function private.assert_caller_is is 'Fails if a person asks about another coordinator''s mentors.';
revoke execute on function private.assert_caller_is from public, anon, authenticated;
