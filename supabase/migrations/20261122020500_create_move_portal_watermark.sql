-- Moves the watermark forward, never back: two workers may read the portal at the same time (H1).
-- Locks: the organisation's watermark. Called by: the portal worker, when a page of changes is stored.

create function public.move_portal_watermark(p_org_id uuid, p_watermark timestamptz)
returns timestamptz
language sql
security definer
set search_path = ''
as $$
    insert into public.portal_watermarks as w (org_id, watermark)
    values (p_org_id, p_watermark)
    on conflict (org_id) do update set watermark = greatest(w.watermark, excluded.watermark)
    returning w.watermark
$$;
comment on function public.move_portal_watermark is 'Moves the watermark forward and returns where it is.';
revoke execute on function public.move_portal_watermark from public, anon, authenticated;
grant execute on function public.move_portal_watermark to service_role, portal_sync;
