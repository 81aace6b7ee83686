-- What the listings of mentors check. They ask it within their one query, before its first row, so that the query can be
-- planned and looked at as a whole.
-- Locks: none. Called by: list_expired_mentors, list_unsynced_mentors. Errors: 42501 not_your_organisation, 22023.

create function private.assert_listing(p_org_id uuid, p_as_of date, p_limit integer)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_day('p_as_of', p_as_of);
    perform private.assert_limit(p_limit);
    return true;
end
$$;
comment on function private.assert_listing is 'True, or fails when the caller may not list this, or the page is out of bounds.';
revoke execute on function private.assert_listing from public, anon, authenticated;
