-- Tells the administrators what the brake has done with a run's plan (G2, G3), if it acted: at once; and for held mentors
-- again after 4 and 12 hours. A reminder that no longer holds is not sent (private.is_message_true).
-- Called by: private.notify_page, when a run completes. Repeated calls change nothing.

create or replace function private.tell_administrators(p_job_run_id uuid)
returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
    with acted as (
        select p.*, case when p.held_count > 0 then 'held' else 'unforeseen' end as kind
        from public.plans as p
        where p.job_run_id = p_job_run_id and p.brake_acts and not p.dry_run
            and p.org_id in (select o.id from public.organisations as o where private.acts_for(o.id))
    )

    insert into public.messages (org_id, audience, person_id, kind, mentor_ids, job_run_id, reminder, due_at, expected_at)
    select
        a.org_id, 'admin', o.user_id, a.kind, unforeseen.mentor_ids, a.job_run_id, r.reminder,
        clock_timestamp() + r.after, clock_timestamp() + r.after
    from acted as a
    inner join public.org_members as o on o.org_id = a.org_id and o.role = 'admin'
    cross join lateral (
        select array_agg(e.mentor_id order by e.mentor_id) as mentor_ids
        from public.plan_mentors as e where e.job_run_id = a.job_run_id and e.why <> 'forewarned'
    ) as unforeseen
    cross join (values (0, interval '0'), (1, interval '4 hours'), (2, interval '12 hours')) as r (reminder, after)
    where r.reminder = 0 or a.kind = 'held'
    order by o.user_id, r.reminder
    on conflict do nothing
$$;
comment on function private.tell_administrators is 'Writes the messages to the administrators about what the brake has done.';
revoke execute on function private.tell_administrators from public, anon, authenticated;
