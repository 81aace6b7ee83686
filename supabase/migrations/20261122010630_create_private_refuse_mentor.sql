-- The one answer to who may not, which does not tell whether there is such a mentor.
-- Locks: none. Called by: update_mentor_status, get_mentor_status.

create function private.refuse_mentor()
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
    if private.caller() = 'person' then
        raise exception 'not your mentor' using errcode = 'PT403', hint = 'not_yours',
            detail = 'the caller is neither this mentor nor their coordinator';
    end if;
    raise exception 'mentor not found' using errcode = 'PT404', hint = 'mentor_not_found',
        detail = 'no such mentor in this organisation';
end
$$;
comment on function private.refuse_mentor is
'Fails: people hear that the mentor is not theirs, also when there is none; services that there is none.';
revoke execute on function private.refuse_mentor from public, anon, authenticated;
