-- The watermark never passes the database's own now (H1, R3): a row of the portal whose change has a moment in
-- the future, or in the year 9999, would keep every later renewal from being read. One that is there already,
-- or that is no moment, counts as none: everything is read anew.
-- Locks: move_portal_watermark the organisation's watermark. Called by: the portal worker.

create or replace function public.get_portal_watermark(p_org_id uuid)
returns timestamptz
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select w.watermark from public.portal_watermarks as w
    where w.org_id = p_org_id and w.watermark > '-infinity' and w.watermark <= clock_timestamp()
$$;
comment on function public.get_portal_watermark is
'The change of the portal before which everything is stored; null: read everything.';
revoke execute on function public.get_portal_watermark from public, anon, authenticated;
grant execute on function public.get_portal_watermark to service_role, portal_sync;

create or replace function public.move_portal_watermark(p_org_id uuid, p_watermark timestamptz)
returns timestamptz
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into public.portal_watermarks as w (org_id, watermark)
    values (p_org_id, case when p_watermark < clock_timestamp() then p_watermark
        when p_watermark is not null then clock_timestamp() end)
    on conflict (org_id) do update set watermark = case
        when w.watermark > clock_timestamp() then excluded.watermark
        else greatest(w.watermark, excluded.watermark)
    end
    returning w.watermark
$$;
comment on function public.move_portal_watermark is
'Moves the watermark forward, up to now at most, and returns where it is.';
revoke execute on function public.move_portal_watermark from public, anon, authenticated;
grant execute on function public.move_portal_watermark to service_role, portal_sync;
