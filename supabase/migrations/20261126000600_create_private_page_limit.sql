-- What the listings of mentors check. It stands in the limit of their one query, which PostgreSQL evaluates once and before the
-- first row, even if there are none.
-- Locks: none. Called by: list_expired_mentors, list_unsynced_mentors. Errors: 42501 not_your_organisation, 22023.

create function private.page_limit(p_org_id uuid, p_as_of date, p_limit integer)
returns integer
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_day('p_as_of', p_as_of);
    perform private.assert_limit(p_limit);
    return p_limit;
end
$$;
comment on function private.page_limit is 'p_limit, or fails when the caller may not list this, or the page is out of bounds.';
revoke execute on function private.page_limit from public, anon, authenticated;
