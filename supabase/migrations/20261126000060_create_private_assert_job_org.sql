-- Confines a job role to its organisations (R5). People are confined by what is theirs, services are not.
-- If the role that logged in has rows, they count: it may become the job role that it inherits, which may have others.
-- An organisation that does not exist passes: there is nothing to see, and the dispatcher must be able to log that it
-- was configured with a wrong one.
-- Locks: none. Called by: every function that a job role may execute. Errors: 42501 with the hint not_your_organisation,
-- which is a fault of the configuration and not of a mentor.

create function private.acts_for(p_org_id uuid)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select private.caller() in ('service', 'person') or exists (
        select from private.job_organisations as j
        where j.org_id = p_org_id
            and j.role_name = case
                when exists (select from private.job_organisations as own where own.role_name = session_user)
                    then session_user
                else coalesce(nullif(current_setting('role', true), 'none'), session_user)
            end
    )
$$;
comment on function private.acts_for is 'Whether the caller is a person or a service, or a job role of this organisation.';
revoke execute on function private.acts_for from public, anon, authenticated;

create function private.assert_job_org(p_org_id uuid)
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
            detail = 'private.job_organisations names the organisations of each role that logs in';
    end if;
end
$$;
comment on function private.assert_job_org is 'Fails when a job role asks for an organisation that is not its own.';
revoke execute on function private.assert_job_org from public, anon, authenticated;

-- The organisation of a run, for functions that are asked by run.
create function private.run_org(p_job_run_id uuid)
returns uuid
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_org_id uuid;
begin
    select l.org_id into v_org_id from public.scheduler_execution_log as l
    where l.job_run_id = p_job_run_id and l.status in ('running', 'completed', 'failed');
    if found then
        perform private.assert_job_org(v_org_id);
    end if;
    return v_org_id;
end
$$;
comment on function private.run_org is
'The organisation of a run, which the caller must act for; null if the run has no row or no organisation.';
revoke execute on function private.run_org from public, anon, authenticated;
