-- Confines a job role to its organisations (R5). People are confined by policies, services are not confined.
-- An organisation that does not exist passes: there is nothing to see, and the dispatcher must be able to log
-- that its configuration names a wrong one.
-- Called by: every function that a job role may execute.
-- Errors: 42501 with the hint not_your_organisation, which means a wrong configuration and not a wrong
-- mentor.

create or replace function private.assert_job_org(p_org_id uuid)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if not private.acts_for(p_org_id) and (
        private.caller() = 'nobody' or exists (select from public.organisations as o where o.id = p_org_id)
    ) then
        raise exception 'role % does not act for organisation %', session_user, p_org_id using errcode = '42501',
            hint = 'not_your_organisation',
            detail = 'private.job_organisations lists the organisations of each login role';
    end if;
end
$$;
comment on function private.assert_job_org is 'Fails if a job role asks for an organisation that it does not act for.';
revoke execute on function private.assert_job_org from public, anon, authenticated;
