-- assert_org_scope as it was (20261122001300), with the day from private.org_today and without a type
-- that the caller could put something in the place of (see private.caller).
-- Locks: none. Called by: the dispatcher, once per run. Errors: PT404 no such organisation, PT409 another slug.

create or replace function public.assert_org_scope(p_org_id uuid, p_slug text)
returns table (org_id uuid, slug text, time_zone text, today date)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
    v_org public.organisations;
begin
    select * into v_org from public.organisations as o where o.id = p_org_id;
    if not found then
        raise exception 'organisation % does not exist', p_org_id using errcode = 'PT404',
            detail = 'compare the configured organisation id with public.organisations';
    elsif v_org.slug is distinct from p_slug then
        raise exception 'organisation % is %, not %', p_org_id, v_org.slug, p_slug using errcode = 'PT409',
            detail = format('expected %s, actual %s', p_slug, v_org.slug);
    end if;
    return query select v_org.id, v_org.slug, v_org.time_zone, private.org_today(v_org.id);
end
$$;
