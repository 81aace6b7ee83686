-- Makes sure that a run can be withdrawn (G5): it is a certification expiry run, no dry run, and it has ended.
-- Called by: begin_execution.
-- Errors: PT409 not_withdrawable.

create or replace function private.assert_withdrawable(p_org_id uuid, p_job_run_id uuid)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_run public.scheduler_execution_log;
begin
    select * into v_run from public.scheduler_execution_log as l
    where l.job_run_id = p_job_run_id and l.org_id = p_org_id and l.status in ('running', 'completed', 'failed');
    if private.is_withdrawable(v_run.job_name, v_run.dry_run, v_run.status) is not true then
        raise exception 'the run cannot be withdrawn: %', case
                when v_run.id is null then 'the log has no such run'
                when v_run.job_name <> 'certification_expiry' or v_run.dry_run
                    then 'only a certification expiry run that is not a dry run pauses mentors'
                else 'it is in progress; withdraw it when it has ended'
            end using errcode = 'PT409', hint = 'not_withdrawable';
    end if;
end
$$;
comment on function private.assert_withdrawable is 'Fails unless the run is a certification expiry run that has ended.';
revoke execute on function private.assert_withdrawable from public, anon, authenticated;
