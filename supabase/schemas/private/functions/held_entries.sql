-- The mentors whom a plan holds (G3), and whether they have changed since it was made: then its release leaves them as they are.
-- A mentor whom the release has paused already has not changed.
-- Called by: approve_plan, get_held.

create or replace function private.held_entries(p_job_run_id uuid)
returns table (mentor_id uuid, expires_on date, why text, has_changed boolean)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select
        e.mentor_id, e.expires_on, e.why,
        (
            m.status is distinct from 'active' or m.version <> e.version or e.expires_on is distinct from private.clamp_day(
                (select max(c.expires_on) from public.certifications as c where c.mentor_id = e.mentor_id)
            )
        )
        and not exists (
            select from public.peer_mentor_status_history as h
            where h.mentor_id = e.mentor_id
                and h.plan_hash = (select p.plan_hash from public.plans as p where p.job_run_id = p_job_run_id)
        )
    from public.plan_mentors as e
    left join public.peer_mentors as m on m.id = e.mentor_id
    where e.job_run_id = p_job_run_id and e.action = 'hold'
$$;
comment on function private.held_entries is 'The mentors whom a plan holds, and whether they have changed since.';
revoke execute on function private.held_entries from public, anon, authenticated;
