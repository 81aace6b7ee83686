-- The state machine (S1): from which states a mentor may reach a state, for people, jobs and services.
-- Called by: update_mentor_status.

create or replace function private.states_before(p_status text)
returns text []
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when p_status = 'paused' then array['active']
        when p_status = 'inactive' then array['active', 'paused']
        when private.caller() in ('person', 'job') then array['paused']
        else array['paused', 'inactive']
    end
$$;
comment on function private.states_before is
'The state machine: the states from which the caller may move a mentor to p_status.';
revoke execute on function private.states_before from public, anon, authenticated;
