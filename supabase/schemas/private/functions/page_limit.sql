-- Checks the arguments of the functions that list mentors. They call it in the limit clause of their single
-- query: PostgreSQL evaluates that clause once and before the first row, also for an empty result.
-- Called by: list_expired_mentors, list_unsynced_mentors.
-- Errors: 42501 not_your_organisation, 22023 an argument is out of bounds.

create or replace function private.page_limit(p_org_id uuid, p_as_of date, p_limit integer)
returns integer
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_date('p_as_of', p_as_of);
    perform private.assert_limit(p_limit);
    return p_limit;
end
$$;
comment on function private.page_limit is 'Returns p_limit; fails if the caller may not list this, or an argument is out of bounds.';
revoke execute on function private.page_limit from public, anon, authenticated;
