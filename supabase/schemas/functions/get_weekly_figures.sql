-- How many of the caller's mentors the job paused, were warned and were renewed in each of the last 26 weeks (C2), the oldest week
-- first. A week begins on Monday in the organisation's time zone. A mentor counts once in a week. Renewed are the mentors whose
-- certification a sync run of that week has renewed.
-- Called by: the console, for members.
-- Errors: PT403 not_a_member.

create or replace function public.get_weekly_figures(p_org_id uuid)
returns table (week date, paused integer, warned integer, renewed integer)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $$
#variable_conflict use_column
declare
    v_zone text;
    v_first date;
    v_mine uuid [];
begin
    perform private.assert_member(p_org_id);
    select o.time_zone into v_zone from public.organisations as o where o.id = p_org_id;
    v_first := date_trunc('week', private.org_today(p_org_id)::timestamp)::date - 25 * 7;
    v_mine := array(select private.my_org_mentors(p_org_id));
    return query
    with events as (
        select 'paused' as kind, h.mentor_id, (h.changed_at at time zone v_zone)::date as day
        from unnest(v_mine) as mine (id)
        inner join public.peer_mentor_status_history as h on h.mentor_id = mine.id
        where h.reason = 'certification_expired' and h.new_status = 'paused'
            and h.changed_at >= v_first::timestamp at time zone v_zone
        union all
        select 'warned', w.mentor_id, w.warned_on
        from unnest(v_mine) as mine (id)
        inner join public.warnings as w on w.mentor_id = mine.id
        where w.warned_on >= v_first
        union all
        select 'renewed', c.mentor_id, (l.started_at at time zone v_zone)::date
        from public.scheduler_execution_log as l
        inner join public.certifications as c on c.job_run_id = l.job_run_id
        inner join unnest(v_mine) as mine (id) on mine.id = c.mentor_id
        where l.org_id = p_org_id and l.status in ('running', 'completed', 'failed')
            and l.started_at >= v_first::timestamp at time zone v_zone
    ),

    weekly as (
        select
            date_trunc('week', e.day::timestamp)::date as week,
            count(distinct e.mentor_id) filter (where e.kind = 'paused') as paused,
            count(distinct e.mentor_id) filter (where e.kind = 'warned') as warned,
            count(distinct e.mentor_id) filter (where e.kind = 'renewed') as renewed
        from events as e
        group by 1
    )

    select
        v_first + 7 * i.week, coalesce(f.paused, 0)::integer, coalesce(f.warned, 0)::integer, coalesce(f.renewed, 0)::integer
    from generate_series(0, 25) as i (week)
    left join weekly as f on f.week = v_first + 7 * i.week
    order by i.week;
end
$$;
comment on function public.get_weekly_figures is
'How many of the caller''s mentors were paused by the job, warned and renewed, in each of the last 26 weeks.';
revoke execute on function public.get_weekly_figures from public, anon, authenticated, service_role;
grant execute on function public.get_weekly_figures to authenticated;
