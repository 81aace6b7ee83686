-- The plan of the nightly job for a day, as it would be now (G1): one row for each active mentor whose certification has
-- expired, in id order, with the action and the reason. It changes nothing, and needs nothing but the database.
--
--   action  pause: the run pauses the mentor. hold: the mentor waits for an approval (G2).
--   why     forewarned: the mentor was warned of this date at least seven days before the day. The others are unforeseen:
--           warned_late, warned_of_another_date, never_warned.
--
-- A person gets the mentors that they may see: an administrator all, a coordinator their own, a mentor their own row. The
-- actions are those of the whole plan. It pages by keyset: p_after is the last mentor of the page before. Each page makes
-- the whole plan again; so take large pages. summarise_plan has the plan's hash and counts.
-- Called by: the command line, an adopter (docs/adopting.md), the app and the console for people.
-- Errors: 42501 not_your_organisation, 22023 an argument is out of bounds.

create or replace function public.plan_certification_expiry(
    p_org_id uuid, p_as_of date, p_after uuid default null, p_limit integer default null
)
returns table (mentor_id uuid, version integer, expires_on date, action text, why text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_is_person constant boolean := private.caller() = 'person';
    v_is_admin constant boolean := p_org_id in (select private.my_admin_orgs());
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_date('p_as_of', p_as_of);
    perform private.assert_between('p_limit', coalesce(p_limit, 1), 1, 1000000);
    if p_as_of is null then
        raise exception 'p_as_of is missing' using errcode = '22023', detail = 'give the day of the plan, such as 2026-11-22';
    elsif v_is_person and p_org_id not in (select private.my_orgs()) then
        return;
    end if;
    return query
    with planned as materialized (
        select p.* from private.plan_page(p_org_id, p_as_of, null, null) as p
    ),

    brake as (
        select b.brake_acts and b.brake_mode = 'hold' as holds
        from private.brake_of(
            p_org_id,
            (select count(*) from planned as p where p.why <> 'forewarned'),
            (select count(*) from public.peer_mentors as m where m.org_id = p_org_id and m.status = 'active')
        ) as b
    ),

    mine as (
        select private.my_mentors() as id where v_is_person and not v_is_admin
    )

    select
        p.mentor_id, p.version, p.expires_on, case when b.holds and p.why <> 'forewarned' then 'hold' else 'pause' end, p.why
    from planned as p cross join brake as b
    where p.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        and (not v_is_person or v_is_admin or p.mentor_id in (select mine.id from mine))
    order by p.mentor_id
    limit p_limit;
end
$$;
comment on function public.plan_certification_expiry is
'Whom the nightly job would pause on a day, whom it would hold, and why; changes nothing.';
revoke execute on function public.plan_certification_expiry from public, anon, authenticated;
grant execute on function public.plan_certification_expiry to authenticated, service_role, mentor_pause_job;
