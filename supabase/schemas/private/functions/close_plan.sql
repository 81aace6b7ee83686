-- Decides what the brake holds of a plan, and writes down its counts and its hash (G1, G2).
-- Called by: make_plan, once, when all mentors are planned.
-- Locks: the plan.

create or replace function private.close_plan(p_job_run_id uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
declare
    v_org_id constant uuid := (select p.org_id from public.plans as p where p.job_run_id = p_job_run_id);
    v_planned integer;
    v_unforeseen integer;
    v_active integer := (select count(*) from public.peer_mentors as m where m.org_id = v_org_id and m.status = 'active');
    v_brake record;
    v_held integer := 0;
begin
    select count(*), count(*) filter (where e.why <> 'forewarned') into v_planned, v_unforeseen
    from public.plan_mentors as e where e.job_run_id = p_job_run_id;
    select * into v_brake from private.brake_of(v_org_id, v_unforeseen, v_active);
    if v_brake.brake_acts and v_brake.brake_mode = 'hold' then
        update public.plan_mentors as e set action = 'hold'
        where e.job_run_id = p_job_run_id and e.why <> 'forewarned';
        get diagnostics v_held = row_count;
    end if;
    update public.plans as p set
        brake_mode = v_brake.brake_mode, brake_count = v_brake.brake_count, brake_percent = v_brake.brake_percent,
        brake_acts = v_brake.brake_acts, active_count = v_active, planned_count = v_planned,
        unforeseen_count = v_unforeseen, held_count = v_held, made_at = clock_timestamp(),
        plan_hash = (
            select private.hash_plan(
                p.org_id, p.as_of, array_agg(e.mentor_id order by e.mentor_id), array_agg(e.version order by e.mentor_id),
                array_agg(e.expires_on order by e.mentor_id), array_agg(e.action order by e.mentor_id)
            )
            from public.plan_mentors as e where e.job_run_id = p_job_run_id
        )
    where p.job_run_id = p_job_run_id;
end
$$;
comment on function private.close_plan is 'Decides what the brake holds of a plan, and writes down its counts and its hash.';
revoke execute on function private.close_plan from public, anon, authenticated;
