-- Proves before a run that the configured organisation exists and is the one meant (D8), and tells
-- which day it is there: the run's as_of.
-- Locks: none. Called by: the dispatcher, once per run. Errors: PT404 no such organisation, PT409 another slug.

create function public.assert_org_scope(p_org_id uuid, p_slug text)
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
    return query select v_org.id, v_org.slug, v_org.time_zone,
        (statement_timestamp() at time zone v_org.time_zone)::date;
end
$$;
comment on function public.assert_org_scope is
'Returns the organisation and its present day, or fails when id and slug do not belong together.';
revoke execute on function public.assert_org_scope from public, anon, authenticated;
grant execute on function public.assert_org_scope to service_role, mentor_pause_job;
