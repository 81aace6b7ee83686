-- The state machine (S1): which states lead to which, for people and for services.
-- Locks: none. Called by: update_mentor_status.

create function private.states_before(p_status text)
returns text []
language sql
stable
set search_path = ''
as $$
    select case
        when p_status = 'paused' then array['active']
        when p_status = 'inactive' then array['active', 'paused']
        when private.caller() = 'person' then array['paused']
        else array['paused', 'inactive']
    end
$$;
comment on function private.states_before is
'The state machine: the states from which the caller may bring a mentor to p_status.';
revoke execute on function private.states_before from public, anon, authenticated;
