-- Raises the same error whether a mentor does not exist or is not the caller's, so that people do not learn
-- whether a mentor exists.
-- Called by: update_mentor_status, get_mentor_status.
-- Errors: PT403 not_yours; for jobs and services PT404 mentor_not_found.

create or replace function private.refuse_mentor()
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if private.caller() not in ('job', 'service') then
        raise exception 'not your mentor' using errcode = 'PT403', hint = 'not_yours',
            detail = 'the caller is neither this mentor nor their coordinator';
    end if;
    raise exception 'mentor not found' using errcode = 'PT404', hint = 'mentor_not_found',
        detail = 'no such mentor in this organisation';
end
$$;
comment on function private.refuse_mentor is
'Always fails: PT403 for people, also if there is no such mentor; PT404 for jobs and services.';
revoke execute on function private.refuse_mentor from public, anon, authenticated;
