-- Where to go on reading the portal (H1). Null: from the beginning.
-- Locks: none. Called by: the portal worker, once per page.

create function public.get_portal_watermark(p_org_id uuid)
returns timestamptz
language sql
stable
security definer
set search_path = ''
as $$
    select w.watermark from public.portal_watermarks as w where w.org_id = p_org_id
$$;
comment on function public.get_portal_watermark is 'The change of the portal before which everything is stored.';
revoke execute on function public.get_portal_watermark from public, anon, authenticated;
grant execute on function public.get_portal_watermark to service_role, portal_sync;
