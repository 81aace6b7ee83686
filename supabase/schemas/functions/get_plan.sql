-- The plan of a run (G1): its hash, its limits, its counts, and who approved it. is_newest: it has not lapsed. Its mentors:
-- list_plan. A coordinator sees "a person" in place of the approver, and no note.
-- Called by: the HTTP entry, the command line; the console, for administrators and coordinators.
-- Errors: 42501 not_your_organisation; PT403 the person is no member of the organisation.

create or replace function public.get_plan(p_org_id uuid, p_job_run_id uuid)
returns table (
    job_run_id uuid,
    as_of date,
    dry_run boolean,
    made_at timestamptz,
    plan_hash text,
    brake_mode text,
    brake_count integer,
    brake_percent numeric,
    brake_acts boolean,
    active_count integer,
    planned_count integer,
    unforeseen_count integer,
    held_count integer,
    is_newest boolean,
    approved_by text,
    approved_at timestamptz,
    approval_note text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_sees_names constant boolean := private.caller() <> 'person' or p_org_id in (select private.my_admin_orgs());
begin
    perform private.assert_job_org(p_org_id);
    if private.caller() = 'person' and p_org_id not in (select private.my_memberships()) then
        raise exception 'not your organisation' using errcode = 'PT403', hint = 'not_yours',
            detail = 'only members of the organisation see its plans';
    end if;
    return query
    select
        p.job_run_id, p.as_of, p.dry_run, p.made_at, p.plan_hash, p.brake_mode, p.brake_count, p.brake_percent, p.brake_acts,
        p.active_count, p.planned_count, p.unforeseen_count, p.held_count,
        exists (
            select from public.plans as n
            where n.job_run_id = private.newest_plan(p_org_id) and n.plan_hash = p.plan_hash
        ),
        private.shown_name(a.approved_by, v_sees_names), a.approved_at, case when v_sees_names then a.note end
    from public.plans as p
    left join public.plan_approvals as a on a.job_run_id = p.job_run_id
    where p.job_run_id = p_job_run_id and p.org_id = p_org_id and p.plan_hash is not null;
end
$$;
comment on function public.get_plan is 'A run''s plan: hash, limits, counts and approval; no row: the run has no plan.';
revoke execute on function public.get_plan from public, anon, authenticated;
grant execute on function public.get_plan to authenticated, service_role, mentor_pause_job, mentor_pause_api;
