-- The organisation of a run, for functions that take a run's id. Fails if the caller does not act for it
-- (R5).
-- Called by: finish_execution, notify_coordinators_page, report_late_changes and others.
-- Errors: 42501 not_your_organisation.

create or replace function private.run_org(p_job_run_id uuid)
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
'The organisation of a run; fails if the caller does not act for it; null if the run has no row or no organisation.';
revoke execute on function private.run_org from public, anon, authenticated;
