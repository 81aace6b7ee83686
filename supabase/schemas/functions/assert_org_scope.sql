-- Checks before a run that the configured organisation exists and has the configured slug (D8). Returns the
-- organisation's present day, which becomes the run's as_of, and the database's present moment. The monitor
-- takes the later of that moment and its own, so that a slow clock does not hide a missed night (O1).
-- Called by: the dispatcher, once per run; the monitor.
-- Errors: PT404 no such organisation, PT409 another slug, 42501 not_your_organisation.

create or replace function public.assert_org_scope(p_org_id uuid, p_slug text)
returns table (org_id uuid, slug text, time_zone text, today date, moment timestamptz)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_org public.organisations;
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_length('p_slug', p_slug, 100);
    select * into v_org from public.organisations as o where o.id = p_org_id;
    if not found then
        raise exception 'organisation % does not exist', p_org_id using errcode = 'PT404',
            detail = 'compare the configured organisation id with public.organisations';
    elsif v_org.slug is distinct from p_slug then
        raise exception 'organisation % is %, not %', p_org_id, v_org.slug, p_slug using errcode = 'PT409',
            detail = format('expected %s, actual %s', p_slug, v_org.slug);
    end if;
    return query select v_org.id, v_org.slug, v_org.time_zone, private.org_today(v_org.id), clock_timestamp();
end
$$;
comment on function public.assert_org_scope is
'Returns the organisation, its present day and the moment; fails if id and slug do not belong together.';
revoke execute on function public.assert_org_scope from public, anon, authenticated;
grant execute on function public.assert_org_scope to service_role, mentor_pause_job;
