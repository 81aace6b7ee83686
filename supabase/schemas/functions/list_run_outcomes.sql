-- Says what the data show now about mentors whose call failed in a run (R1, E8). The database may have made
-- the change although the answer was lost, or another caller may have made it since. A mentor who is paused
-- in the end is not an error.
--
--   applied      this run made the change: it paused the mentor, or wrote their status to the portal
--   not_needed   nothing is left to do. certification_expiry: the mentor is not active any more, or their
--                certification has not expired on p_as_of, or the brake forbids it. withdrawal: the mentor has changed
--                since, or is still expired. hlf_sync: the portal has the mentor's present
--                version. Both: the organisation has no such mentor.
--
-- A mentor who still needs the change gets no row. The run's row of the log says which job it was.
-- Called by: the completion of a run, with at most 500 ids per call.
-- Errors: 22023 more than 500 ids, 42501 not_your_organisation.

create or replace function public.list_run_outcomes(p_job_run_id uuid, p_org_id uuid, p_as_of date, p_mentor_ids uuid [])
returns table (mentor_id uuid, outcome text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_job_name text;
    v_dry_run boolean;
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_date('p_as_of', p_as_of);
    perform private.assert_array_size('p_mentor_ids', cardinality(p_mentor_ids));
    select l.job_name, l.dry_run into v_job_name, v_dry_run from public.scheduler_execution_log as l
    where l.job_run_id = p_job_run_id and l.org_id = p_org_id and l.status in ('running', 'completed', 'failed');
    return query
    with asked as (
        select distinct ids.id from unnest(p_mentor_ids) as ids (id) where ids.id is not null
    ),

    present as (
        select
            a.id,
            m.status,
            m.version,
            (select max(c.expires_on) from public.certifications as c where c.mentor_id = m.id) as expires_on,
            (select s.synced_version from public.portal_sync_state as s where s.mentor_id = m.id) as synced_version,
            m.id is not null and exists (
                select from public.peer_mentor_status_history as h
                where h.job_run_id = p_job_run_id and h.mentor_id = a.id
                union all
                select from public.portal_sync_state as s
                where s.job_run_id = p_job_run_id and s.mentor_id = a.id
            ) as is_applied
        from asked as a
        left join public.peer_mentors as m on m.id = a.id and m.org_id = p_org_id
    )

    select p.id, case when p.is_applied then 'applied' else 'not_needed' end
    from present as p
    where
        p.is_applied
        or (v_job_name is not null and p.status is null)
        -- A case: with "v_job_name = '...' and f()" PostgreSQL calls f if the run has no row.
        or case v_job_name
            when 'certification_expiry' then
                p.status <> 'active' or p.expires_on is null or p.expires_on > p_as_of
                or private.brake_outcome(
                    p_org_id, p_job_run_id, p.id, p.version, p.expires_on, p_as_of, v_dry_run
                ) is not null
            when 'withdrawal' then
                private.withdrawal_outcome(p_org_id, p_job_run_id, p.id, p.status, p.expires_on, v_dry_run) is not null
            when 'hlf_sync' then p.synced_version = p.version
        end
    order by p.id;
end
$$;
comment on function public.list_run_outcomes is
'The given mentors that a run has changed (applied) or that need no change any more (not_needed).';
revoke execute on function public.list_run_outcomes from public, anon, authenticated;
grant execute on function public.list_run_outcomes to service_role, mentor_pause_job, portal_sync;
