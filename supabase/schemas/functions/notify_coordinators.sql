-- Notifies each responsible coordinator, once per run, of all mentors that the run paused or renewed (E11, H1).
-- It goes through all pages of private.notify_page in one transaction. For a large night the completion calls
-- notify_coordinators_page instead, because a role's statement_timeout ends a call that takes too long.
-- Called by: run_certification_expiry; services. Repeated calls change nothing.
-- Errors: 42501 not_your_organisation.
-- Locks: the coordinators' rows of this run, if they grow.

create or replace function public.notify_coordinators(p_job_run_id uuid)
returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_last uuid;
begin
    perform private.run_org(p_job_run_id);
    loop
        v_last := private.notify_page(p_job_run_id, v_last, 20000);
        exit when v_last is null;
    end loop;
    return (
        select count(*) from public.coordinator_notifications as n where n.job_run_id = p_job_run_id
    );
end
$$;
comment on function public.notify_coordinators is
'Writes one notification per coordinator and run, or adds mentors to it; returns how many the run has.';
revoke execute on function public.notify_coordinators from public, anon, authenticated;
grant execute on function public.notify_coordinators to service_role, mentor_pause_job, portal_sync;
