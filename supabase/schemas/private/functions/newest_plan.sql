-- The newest plan of an organisation that is whole (G4): of the latest day, and of its plans the last one. A run for an
-- earlier day takes no approval away. Dry runs do not count.
-- Called by: approve_plan, explain_mentor, get_plan, get_brake_figures, private.assert_approved, private.held_mentors,
-- private.is_message_true.

create or replace function private.newest_plan(p_org_id uuid)
returns uuid
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select p.job_run_id from public.plans as p
    where p.org_id = p_org_id and p.plan_hash is not null and not p.dry_run
    order by p.as_of desc, p.made_at desc
    limit 1
$$;
comment on function private.newest_plan is 'The run with the newest whole plan; dry runs do not count.';
revoke execute on function private.newest_plan from public, anon, authenticated;
