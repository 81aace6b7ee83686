-- Begins a run's reading of the portal, or returns how far the run has already read (H1).
-- Called by: the portal worker, once per invocation that reads.
-- Locks: the organisation's watermark.
-- Errors: 42501 not_your_organisation.

create or replace function public.begin_portal_reading(p_org_id uuid, p_job_run_id uuid)
returns timestamptz
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
declare
    v_watermark timestamptz;
begin
    perform private.assert_job_org(p_org_id);
    insert into public.portal_watermarks as w (org_id, job_run_id) values (p_org_id, p_job_run_id)
    on conflict (org_id) do update set
        job_run_id = excluded.job_run_id,
        watermark = case when w.job_run_id = excluded.job_run_id then w.watermark end
    returning w.watermark into v_watermark;
    return v_watermark;
end
$$;
comment on function public.begin_portal_reading is
'Begins a run''s reading of the portal; returns the moment before which it has read all changes, null at first.';
revoke execute on function public.begin_portal_reading from public, anon, authenticated;
grant execute on function public.begin_portal_reading to service_role, portal_sync;
