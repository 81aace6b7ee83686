-- One keyset page of the mentors whom a run paused (G5), from the history.
-- enable_bitmapscan is off because the rows may have just been written and have no statistics yet: PostgreSQL would otherwise
-- read and sort all that is left for each page.
-- Called by: the dispatcher, for a withdrawal of that run.
-- Errors: 42501 not_your_organisation, 22023 p_limit is out of bounds.

create or replace function public.list_run_pauses(p_job_run_id uuid, p_after uuid, p_limit integer)
returns table (mentor_id uuid)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
set enable_bitmapscan = 'off'
as $$
    select private.run_org(p_job_run_id);
    select private.assert_limit(p_limit);
    select h.mentor_id
    from public.peer_mentor_status_history as h
    where h.job_run_id = p_job_run_id and h.new_status = 'paused'
        and h.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
    order by h.mentor_id
    limit p_limit
$$;
comment on function public.list_run_pauses is 'The mentors whom a run paused, in id order, after p_after (null for the first page).';
revoke execute on function public.list_run_pauses from public, anon, authenticated;
grant execute on function public.list_run_pauses to service_role, mentor_pause_job;
