-- Whom a coordinator query is about (S7): the caller; a service may ask about anybody. The queries
-- also filter by p_coordinator_id.
-- Locks: none. Called by: the coordinator queries. Errors: PT403 somebody else's mentors.

create function private.assert_asks_for_self(p_coordinator_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    if private.caller() = 'person' and p_coordinator_id is distinct from auth.uid() then
        raise exception 'not your mentors' using errcode = 'PT403', hint = 'not_yours',
            detail = 'p_coordinator_id is the caller';
    end if;
end
$$;
comment on function private.assert_asks_for_self is 'Fails when a person asks about somebody else''s mentors.';
revoke execute on function private.assert_asks_for_self from public, anon, authenticated;
