-- The mentors whom the runs of the newest night paused (C2), with redrives and releases.
-- Called by: get_tonight, list_my_mentors.

create or replace function private.paused_tonight(p_org_id uuid)
returns setof uuid
language sql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
    select h.mentor_id
    from public.scheduler_execution_log as l
    inner join public.peer_mentor_status_history as h on h.job_run_id = l.job_run_id and h.new_status = 'paused'
    where l.org_id = p_org_id and l.job_name = 'certification_expiry' and not l.dry_run
        and l.status in ('running', 'completed', 'failed') and l.as_of >= private.due_day(p_org_id)
$$;
comment on function private.paused_tonight is 'The mentors whom the runs of the newest night paused.';
revoke execute on function private.paused_tonight from public, anon, authenticated;
