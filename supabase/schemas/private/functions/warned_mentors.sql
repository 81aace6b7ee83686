-- Which of some mentors will still be paused as they were warned: active, not renewed, and their date has not come.
-- Called by: private.is_message_true, private.digest_content.

create or replace function private.warned_mentors(p_mentor_ids uuid [], p_today date)
returns table (mentor_id uuid, expires_on date)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select latest.id, latest.expires_on
    from (
        select m.id, (select max(c.expires_on) from public.certifications as c where c.mentor_id = m.id) as expires_on
        from unnest(p_mentor_ids) as ids (id)
        inner join public.peer_mentors as m on m.id = ids.id
        where m.status = 'active'
    ) as latest
    where latest.expires_on > p_today
        and exists (select from public.warnings as w where w.mentor_id = latest.id and w.expires_on = latest.expires_on)
$$;
comment on function private.warned_mentors is 'The mentors whose warning still holds, with the day on which they are paused.';
revoke execute on function private.warned_mentors from public, anon, authenticated;
