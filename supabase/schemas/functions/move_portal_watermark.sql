-- Moves the watermark of a run's reading forward (H1). It never moves past the present moment, because the
-- portal may date a row in the future (R3). If the watermark was deleted because a mentor was entered
-- meanwhile, it stays deleted, and the run reads everything again.
-- Called by: the portal worker, once per page of the portal.
-- Locks: the organisation's watermark.
-- Errors: 42501 not_your_organisation, 22023 p_watermark is out of bounds.

create or replace function public.move_portal_watermark(p_org_id uuid, p_job_run_id uuid, p_watermark timestamptz)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_timestamp('p_watermark', p_watermark);
    update public.portal_watermarks as w
    set watermark = greatest(w.watermark, least(p_watermark, clock_timestamp()))
    where w.org_id = p_org_id and w.job_run_id = p_job_run_id;
    return found;
end
$$;
comment on function public.move_portal_watermark is
'Moves the watermark of a run''s reading forward, at most to now; false: this run must read from the beginning again.';
revoke execute on function public.move_portal_watermark from public, anon, authenticated;
grant execute on function public.move_portal_watermark to service_role, portal_sync;
