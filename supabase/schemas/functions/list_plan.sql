-- One keyset page of the mentors of a run's plan (G1), with their names: for an administrator all, for a coordinator their
-- own. A person who calls the function gets what they may see; the HTTP entry gives the person whose token it has verified
-- (p_user_id), and null for a machine, which sees all.
-- enable_bitmapscan is off because the rows may have just been written and have no statistics yet: PostgreSQL would otherwise
-- read and sort all that is left for each page.
-- Called by: the HTTP entry, the command line, the console.
-- Errors: 42501 not_your_organisation, 22023 p_limit is out of bounds.

create or replace function public.list_plan(
    p_org_id uuid, p_job_run_id uuid, p_user_id uuid default null, p_after uuid default null, p_limit integer default 100
)
returns table (mentor_id uuid, display_name text, expires_on date, action text, why text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
set enable_bitmapscan = 'off'
as $$
#variable_conflict use_column
declare
    v_person constant uuid := case when private.caller() = 'person' then private.user_id() else p_user_id end;
    v_mine uuid [];
    v_sees_all constant boolean := private.caller() <> 'person' and p_user_id is null or exists (
        select from public.org_members as o where o.org_id = p_org_id and o.user_id = v_person and o.role = 'admin'
    );
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_limit(p_limit);
    if not exists (
        select from public.plans as p
        where p.job_run_id = p_job_run_id and p.org_id = p_org_id and p.plan_hash is not null
    ) then
        return;
    end if;
    if not v_sees_all then
        v_mine := array(
            select private.coordinated_mentors(v_person, p_after)
            union
            select m.id from public.peer_mentors as m where m.user_id = v_person and m.org_id = p_org_id
        );
    end if;
    return query
    with page as (
        (
            select e.* from public.plan_mentors as e
            where v_sees_all and e.job_run_id = p_job_run_id
                and e.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
            order by e.mentor_id
            limit p_limit
        )
        union all
        (
            select e.* from public.plan_mentors as e
            where not v_sees_all and e.job_run_id = p_job_run_id and e.mentor_id = any(v_mine)
                and e.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
            order by e.mentor_id
            limit p_limit
        )
    )

    select e.mentor_id, k.display_name, e.expires_on, e.action, e.why
    from page as e
    left join public.mentor_contacts as k on k.mentor_id = e.mentor_id
    order by e.mentor_id;
end
$$;
comment on function public.list_plan is 'The mentors of a run''s plan whom a person may see, in id order, after p_after.';
revoke execute on function public.list_plan from public, anon, authenticated;
grant execute on function public.list_plan to authenticated, service_role, mentor_pause_api;
