-- The mentors who are held now (G3): the newest plan holds them, and they are still as it says: no later run or person
-- has paused or renewed them.
-- Called by: get_brake_figures, private.is_message_true, private.digest_content.

create or replace function private.held_mentors(p_org_id uuid)
returns table (mentor_id uuid)
language sql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
    select e.mentor_id
    from public.plan_mentors as e
    inner join public.peer_mentors as m on m.id = e.mentor_id
    where e.job_run_id = private.newest_plan(p_org_id) and e.action = 'hold' and m.status = 'active' and m.version = e.version
        and e.expires_on = (
            select greatest(date '0001-01-01', least(max(c.expires_on), date '9999-12-31'))
            from public.certifications as c where c.mentor_id = e.mentor_id
        )
$$;
comment on function private.held_mentors is 'The mentors whom the newest plan holds, and who have not changed since.';
revoke execute on function private.held_mentors from public, anon, authenticated;
