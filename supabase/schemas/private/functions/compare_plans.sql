-- Says in one sentence what the newest plan has that an older one had not (G4), for a person whose hash is old. It names no
-- mentor, because an error message reaches logs.
-- Called by: approve_plan.

create or replace function private.compare_plans(p_org_id uuid, p_old_hash text, p_newest uuid)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_old uuid := (
        select p.job_run_id from public.plans as p
        where p.org_id = p_org_id and p.plan_hash = p_old_hash order by p.made_at desc limit 1
    );
    v_newest public.plans;
    v_changes text;
begin
    select * into v_newest from public.plans as p where p.job_run_id = p_newest;
    if v_old is null then
        v_changes := 'the hash that you gave is of no plan that is kept';
    else
        select format(
            'of the held mentors %s are new, %s are not held any more, and %s have another version or date',
            count(*) filter (where o.mentor_id is null), count(*) filter (where n.mentor_id is null),
            count(*) filter (where (o.version, o.expires_on) is distinct from (n.version, n.expires_on)
                and o.mentor_id is not null and n.mentor_id is not null)
        ) into v_changes
        from (select e.* from public.plan_mentors as e where e.job_run_id = v_old and e.action = 'hold') as o
        full join (select e.* from public.plan_mentors as e where e.job_run_id = p_newest and e.action = 'hold') as n
            on n.mentor_id = o.mentor_id;
    end if;
    return format(
        'the newest plan is of run %s for %s, has the hash %s and holds %s mentors; %s', v_newest.job_run_id, v_newest.as_of,
        v_newest.plan_hash, v_newest.held_count, v_changes
    );
end
$$;
comment on function private.compare_plans is 'What the newest plan holds that the plan of an older hash did not.';
revoke execute on function private.compare_plans from public, anon, authenticated;
