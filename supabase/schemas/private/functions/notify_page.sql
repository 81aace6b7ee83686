-- Adds a run's next p_limit mentors after p_after, in id order, to the notifications of their coordinators. It
-- reads the history and the certifications, so a notification says what happened. A run either pauses or
-- renews. Responsible means the rule of private.coordinated_mentors: by assignment or by chapter, and as a
-- member of the organisation.
--
-- There is one row per coordinator and run. A row that exists grows, and created_at is the time of the last
-- addition. Coordinators come in the order of their ids, so that two calls never wait for each other.
-- Called by: notify_coordinators, notify_coordinators_page, which check the arguments.
-- Locks: the coordinators' rows of this run, if they grow.

create or replace function private.notify_page(p_job_run_id uuid, p_after uuid, p_limit integer)
returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_last uuid;
begin
    with news as (
        -- Each part is cut to the page by itself: an index has its mentors in this order.
        (
            select h.mentor_id, 'paused' as kind
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

    notified as (
        insert into public.coordinator_notifications as n (org_id, coordinator_id, job_run_id, kind, mentor_ids)
        select m.org_id, responsible.coordinator_id, p_job_run_id, min(page.kind), array_agg(m.id order by m.id)
        from page
        inner join public.peer_mentors as m on m.id = page.mentor_id
        cross join lateral (
            select a.coordinator_id
            from public.assignments as a
            where a.mentor_id = m.id and (a.ended_at is null or a.ended_at > clock_timestamp())
            union
            select cc.coordinator_id
            from public.coordinator_chapters as cc
            where cc.chapter_id = m.chapter_id
        ) as responsible
        inner join public.org_members as o on o.org_id = m.org_id and o.user_id = responsible.coordinator_id
        where m.org_id in (select orgs.id from public.organisations as orgs where private.acts_for(orgs.id))
        group by m.org_id, responsible.coordinator_id
        order by responsible.coordinator_id
        on conflict (job_run_id, coordinator_id) do update
            set mentor_ids = private.merge_ids(n.mentor_ids, excluded.mentor_ids), created_at = clock_timestamp()
            where private.merge_ids(n.mentor_ids, excluded.mentor_ids) <> n.mentor_ids
    )

    -- A page that is not full is the last one.
    select p.mentor_id into v_last from page as p order by p.mentor_id offset p_limit - 1;
    return v_last;
end
$$;
comment on function private.notify_page is
'Notifies the coordinators of a run''s next p_limit mentors; returns the last of them, or null if no mentor is left.';
revoke execute on function private.notify_page from public, anon, authenticated;
