-- get_portal_watermark and move_portal_watermark as they were (20261122020400, 20261122020500), confined to the
-- organisations of the role that asks (20261126000060). The watermark never passes now (R3): behind a row of the portal that is dated
-- ahead, later renewals would never be read.
-- Locks: the organisation's watermark, where it moves. Called by: the portal worker.

create or replace function public.get_portal_watermark(p_org_id uuid)
returns timestamptz
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select w.watermark from public.portal_watermarks as w where w.org_id = p_org_id
$$;
comment on function public.get_portal_watermark is 'The change of the portal before which everything is stored.';
revoke execute on function public.get_portal_watermark from public, anon, authenticated;
grant execute on function public.get_portal_watermark to service_role, portal_sync;

create or replace function public.move_portal_watermark(p_org_id uuid, p_watermark timestamptz)
returns timestamptz
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_moment('p_watermark', p_watermark);
    insert into public.portal_watermarks as w (org_id, watermark)
    values (p_org_id, case when p_watermark > clock_timestamp() then clock_timestamp() else p_watermark end)
    on conflict (org_id) do update set watermark = greatest(w.watermark, excluded.watermark)
    returning w.watermark
$$;
comment on function public.move_portal_watermark is
'Moves the watermark forward, at most to now, and returns where it is.';
revoke execute on function public.move_portal_watermark from public, anon, authenticated;
grant execute on function public.move_portal_watermark to service_role, portal_sync;
