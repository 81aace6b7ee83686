-- Says whether a message may still be sent (W1): it is not too old, its reader may still know it (S4), and what it says
-- still holds. Coordinators and administrators who have left the organisation get no more messages. A warning holds
-- for an active mentor who was warned of the date on which the certification still expires, and that date has not come.
-- The mentor's own message about a pause, or its withdrawal, holds while that is the last change. A message about held
-- mentors holds while their plan is the newest one and somebody is held. News for coordinators stay true.
-- Called by: private.take_messages.

create or replace function private.is_message_true(p_message_id bigint, p_today date)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select m.created_at > clock_timestamp() - interval '7 days'
        and (m.audience = 'mentor' or exists (
            select from public.org_members as o
            where o.org_id = m.org_id and o.user_id = m.person_id and (o.role = 'admin' or m.audience = 'coordinator')
        ))
        and case
            when m.kind = 'warning' then exists (select from private.warned_mentors(m.mentor_ids, p_today))
            when m.kind in ('paused', 'resumed') and m.audience = 'mentor' then exists (
                select from public.peer_mentors as p
                where p.id = any(m.mentor_ids)
                    and p.status = case m.kind when 'paused' then 'paused' else 'active' end and m.job_run_id = (
                    select h.job_run_id from public.peer_mentor_status_history as h
                    where h.mentor_id = p.id order by h.id desc limit 1
                )
            )
            when m.kind = 'held' then m.job_run_id = private.newest_plan(m.org_id)
                and exists (select from private.held_mentors(m.org_id))
            else true
        end
    from public.messages as m
    where m.id = p_message_id
$$;
comment on function private.is_message_true is 'True if the message is not too old to be sent, and what it says still holds.';
revoke execute on function private.is_message_true from public, anon, authenticated;
