-- What the page of one run shows (C4): one JSON object; null if there is no such run, or none that the caller may see.
--
-- paused, resumed and held are of the caller's mentors: together at most 200 in id order, after p_after. next_after is p_after
-- of the next page; null: this is the last one. held is what the run's own plan holds. For an administrator, paused of a dry
-- run is what its plan would pause; coordinators see no plan of a dry run. approval is for administrators alone.
-- Called by: the console, for members.
-- Errors: PT403 not_a_member.

create or replace function public.get_check(p_org_id uuid, p_job_run_id uuid, p_after uuid default null)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $$
declare
    v_is_admin constant boolean := private.assert_member(p_org_id) = 'admin';
    v_check record;
    v_mine uuid [];
    v_lists jsonb;
begin
    select * into v_check from private.shown_checks(p_org_id, p_job_run_id, null, 1);
    if v_check.id is null then
        return null;
    end if;
    v_mine := array(select private.my_org_mentors(p_org_id));
    with listed as materialized (
        select h.mentor_id, case h.new_status when 'paused' then 'paused' else 'resumed' end as list,
            h.certification_expiry_date as expires_on, null as why
        from public.peer_mentor_status_history as h
        where h.job_run_id = p_job_run_id and h.org_id = p_org_id and h.mentor_id = any(v_mine)
        union all
        select e.mentor_id, case e.action when 'hold' then 'held' else 'paused' end, e.expires_on, e.why
        from public.plan_mentors as e
        inner join public.plans as p on p.job_run_id = e.job_run_id
        where e.job_run_id = p_job_run_id and p.org_id = p_org_id and p.plan_hash is not null and e.mentor_id = any(v_mine)
            and case when p.dry_run then v_is_admin else e.action = 'hold' end
    ),

    page as (
        select x.* from listed as x
        where x.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        order by x.mentor_id, x.list limit 201
    ),

    shown as (
        select
            x.mentor_id, x.list, row_number() over (order by x.mentor_id, x.list) as place,
            jsonb_strip_nulls(jsonb_build_object('why', x.why)) || jsonb_build_object(
                'mentor_id', x.mentor_id, 'display_name', k.display_name, 'expires_on', private.clamp_day(x.expires_on)
            ) as entry
        from page as x left join public.mentor_contacts as k on k.mentor_id = x.mentor_id
    )

    select jsonb_build_object(
        'paused', coalesce(jsonb_agg(s.entry order by s.place) filter (where s.list = 'paused' and s.place <= 200), '[]'),
        'resumed', coalesce(jsonb_agg(s.entry order by s.place) filter (where s.list = 'resumed' and s.place <= 200), '[]'),
        'held', coalesce(jsonb_agg(s.entry order by s.place) filter (where s.list = 'held' and s.place <= 200), '[]'),
        'next_after', case when count(*) > 200 then max(s.mentor_id::text) filter (where s.place = 200) end,
        'paused_total', (select count(*) from listed as x where x.list = 'paused'),
        'resumed_total', (select count(*) from listed as x where x.list = 'resumed'),
        'held_total', (select count(*) from listed as x where x.list = 'held')
    ) into v_lists
    from shown as s;

    return v_lists || jsonb_build_object(
        'check', to_jsonb(v_check),
        'approval', case when v_is_admin then (
            select jsonb_build_object('approved_at', a.approved_at, 'note', a.note)
            from public.plan_approvals as a
            where a.job_run_id = coalesce(v_check.plan_of, p_job_run_id) and a.org_id = p_org_id
        ) end,
        'is_withdrawable', private.is_withdrawable(v_check.job_name, v_check.dry_run, v_check.status)
    );
end
$$;
comment on function public.get_check is
'What the page of one run shows, as one JSON object; null if there is no such run.';
revoke execute on function public.get_check from public, anon, authenticated, service_role;
grant execute on function public.get_check to authenticated;
