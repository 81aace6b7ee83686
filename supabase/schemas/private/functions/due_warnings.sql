-- The warnings that are due on a day (W1), in the order of their mentors: an active mentor whose latest certification
-- expires in at most as many days as a stage has, and in more days than the next stage has, and who has not been warned
-- of the same date at this stage or a later one.
--
-- PostgreSQL looks up each certification that expires soon in the indexes. It cannot know that on a usual night nearly
-- all of them are warned already, and would read all mentors and all certifications; so the other ways are off.
-- Called by: write_warnings.

create or replace function private.due_warnings(p_org_id uuid, p_as_of date, p_limit integer)
returns table (mentor_id uuid, user_id uuid, expires_on date, stage integer)
language sql
stable
set search_path = pg_catalog, pg_temp
set enable_hashjoin = 'off'
set enable_mergejoin = 'off'
set enable_seqscan = 'off'
as $$
    with stages as (
        select d.days as stage, coalesce(lag(d.days) over (order by d.days), 0) as next_stage
        from unnest(private.warning_days(p_org_id)) as d (days)
    ),

    -- On a usual night few are left after this step; two certifications may expire on the same day.
    unwarned as materialized (
        select distinct c.mentor_id, c.expires_on, s.stage
        from stages as s
        inner join public.certifications as c
            on c.expires_on > p_as_of + s.next_stage and c.expires_on <= p_as_of + s.stage
        where not exists (
            select from public.warnings as w
            where w.mentor_id = c.mentor_id and w.expires_on = c.expires_on and w.stage <= s.stage
        )
    )

    select m.id, m.user_id, u.expires_on, u.stage
    from unwarned as u
    inner join public.peer_mentors as m on m.id = u.mentor_id
    where m.org_id = p_org_id and m.status = 'active'
        and not exists (
            select from public.certifications as later
            where later.mentor_id = u.mentor_id and later.expires_on > u.expires_on
        )
    order by m.id
    limit p_limit
$$;
comment on function private.due_warnings is 'The mentors to warn on a day, with the date of which and the stage at which they are warned.';
revoke execute on function private.due_warnings from public, anon, authenticated;
