-- Writes the messages about a run's next p_limit mentors after p_after, in id order: to their coordinators (E11), and
-- to the mentors who were paused (W2), or resumed by a withdrawal (G5). With the first page it tells the administrators what
-- the brake has done (private.tell_administrators). It reads the history and the certifications, so a message says what happened.
-- A run either pauses, or resumes, or renews.
--
-- There is one row per person and run. A row that exists grows, waits for delivery again, and created_at is the time
-- of the last addition. Rows come in the order of their persons, so that two calls never wait for each other.
-- Called by: notify_coordinators, notify_coordinators_page, which check the arguments.
-- Locks: the messages of this run, if they grow.

create or replace function private.notify_page(p_job_run_id uuid, p_after uuid, p_limit integer)
returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_last uuid;
begin
    if p_after is null then
        perform private.tell_administrators(p_job_run_id);
    end if;
    with news as (
        -- Each part is cut to the page by itself: an index has its mentors in this order.
        (
            select h.mentor_id, case h.new_status when 'active' then 'resumed' else 'paused' end as kind
            from public.peer_mentor_status_history as h
            where h.job_run_id = p_job_run_id
                and h.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
            order by h.mentor_id
            limit p_limit
        )
        union all
        (
            select distinct c.mentor_id, 'renewed'
            from public.certifications as c
            where c.job_run_id = p_job_run_id
                and c.mentor_id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
            order by c.mentor_id
            limit p_limit
        )
    ),

    page as materialized (
        select n.mentor_id, min(n.kind) as kind from news as n group by n.mentor_id order by n.mentor_id limit p_limit
    ),

    recipients as (
        select 'coordinator' as audience, c.coordinator_id as person_id, c.mentor_id
        from private.coordinators_of(array(select p.mentor_id from page as p)) as c
        union all
        select 'mentor', coalesce(m.user_id, m.id), m.id
        from page as p inner join public.peer_mentors as m on m.id = p.mentor_id
        where p.kind in ('paused', 'resumed')
    ),

    written as (
        insert into public.messages as n (org_id, audience, person_id, kind, mentor_ids, job_run_id)
        select m.org_id, t.audience, t.person_id, min(p.kind), array_agg(m.id order by m.id), p_job_run_id
        from recipients as t
        inner join page as p on p.mentor_id = t.mentor_id
        inner join public.peer_mentors as m on m.id = t.mentor_id
        where m.org_id in (select orgs.id from public.organisations as orgs where private.acts_for(orgs.id))
        group by m.org_id, t.audience, t.person_id
        order by t.audience, t.person_id
        on conflict (job_run_id, audience, person_id, reminder) where job_run_id is not null do update
            set mentor_ids = private.merge_ids(n.mentor_ids, excluded.mentor_ids),
                -- The answer about the digest that is being sent lets it wait again.
                state = case when n.state = 'sending' then 'sending' else 'pending' end,
                digest_id = case when n.state = 'sending' then n.digest_id end,
                read_at = null, created_at = clock_timestamp(), due_at = clock_timestamp(), expected_at = clock_timestamp()
            where private.merge_ids(n.mentor_ids, excluded.mentor_ids) <> n.mentor_ids
    )

    -- A page that is not full is the last one.
    select p.mentor_id into v_last from page as p order by p.mentor_id offset p_limit - 1;
    return v_last;
end
$$;
comment on function private.notify_page is
'Writes the messages about a run''s next p_limit mentors; returns the last of them, or null if no mentor is left.';
revoke execute on function private.notify_page from public, anon, authenticated;
