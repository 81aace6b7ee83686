-- How the portal and the database differ (C4, H5), in two parts. waiting: the mentors whose present state has not reached the
-- portal, so that the next sync sends them. differences: what the last measurement found (record_portal_drift); it may be a
-- day old. Each list has at most 200 entries; its count includes them all. last_sync is the newest sync that has ended.
-- Called by: the console, for administrators.
-- Errors: PT403 not_an_administrator.

create or replace function public.get_website(p_org_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_waiting uuid [];
    v_measured public.portal_differences;
begin
    perform private.assert_administrator(p_org_id);
    v_waiting := array(
        select m.id from public.peer_mentors as m
        left join public.portal_sync_state as s on s.mentor_id = m.id
        where m.org_id = p_org_id and s.synced_version is distinct from m.version
        order by m.id
    );
    select * into v_measured from public.portal_differences as d where d.org_id = p_org_id;
    return jsonb_build_object(
        'waiting_count', cardinality(v_waiting),
        'waiting', coalesce((
            select jsonb_agg(jsonb_build_object(
                'mentor_id', s.mentor_id, 'display_name', k.display_name, 'status', s.status, 'since', s.differs_since
            ) order by s.mentor_id)
            from public.list_portal_states(p_org_id, v_waiting[:200]) as s
            left join public.mentor_contacts as k on k.mentor_id = s.mentor_id
        ), '[]'),
        'measured_at', v_measured.measured_at,
        'differing_count', coalesce(v_measured.differing_count, 0),
        'differences', coalesce((
            select jsonb_agg(jsonb_build_object('display_name', k.display_name) || d.entry order by d.place)
            from jsonb_array_elements(v_measured.differences) with ordinality as d (entry, place)
            left join public.peer_mentors as m on m.id = (d.entry ->> 'mentor_id')::uuid and m.org_id = p_org_id
            left join public.mentor_contacts as k on k.mentor_id = m.id
            where d.place <= 200
        ), '[]'),
        'last_sync', (
            select jsonb_build_object('job_run_id', l.job_run_id, 'finished_at', l.finished_at, 'status', l.status)
            from public.scheduler_execution_log as l
            where l.org_id = p_org_id and l.job_name = 'hlf_sync' and l.status in ('completed', 'failed') and not l.dry_run
            order by l.id desc limit 1
        )
    );
end
$$;
comment on function public.get_website is
'How the portal and the database differ, and whom the next sync sends, as one JSON object.';
revoke execute on function public.get_website from public, anon, authenticated, service_role;
grant execute on function public.get_website to authenticated;
