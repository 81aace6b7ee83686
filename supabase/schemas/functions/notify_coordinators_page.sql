-- Notifies the responsible coordinators of the next p_limit mentors that a run paused or renewed (E11, H1). The
-- mentors come in id order, after p_after (null for the first page). A night of any size is notified page by
-- page, and each page takes about the same time.
--
-- It may be called for a run that has ended: a worker may pause mentors after their page had been marked as
-- failed. Then the coordinators' notifications grow.
-- Called by: the completion of a run; a worker that finishes after its run has ended. Repeated calls change
-- nothing.
-- Errors: 42501 not_your_organisation, 22023 p_limit is out of bounds.
-- Locks: the coordinators' rows of this run, if they grow.

create or replace function public.notify_coordinators_page(p_job_run_id uuid, p_after uuid, p_limit integer)
returns uuid
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform private.run_org(p_job_run_id);
    perform private.assert_between('p_limit', coalesce(p_limit, 0), 1, 20000);
    return private.notify_page(p_job_run_id, p_after, p_limit);
end
$$;
comment on function public.notify_coordinators_page is
'Notifies the coordinators of the next p_limit mentors of a run; returns the last of them, or null if no mentor is left.';
revoke execute on function public.notify_coordinators_page from public, anon, authenticated;
grant execute on function public.notify_coordinators_page to service_role, mentor_pause_job, portal_sync;
