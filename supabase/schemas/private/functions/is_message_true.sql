-- Says whether a message may still be sent (W1): it is not too old, and what it says still holds. A warning holds for an
-- active mentor who was warned of the date on which the certification still expires, and that date has not come. The
-- mentor's own message about a pause holds while the mentor is paused. News for coordinators stay true.
-- Called by: begin_digest.

create or replace function private.is_message_true(
    p_kind text, p_audience text, p_mentor_ids uuid [], p_created_at timestamptz, p_today date
)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select p_created_at > clock_timestamp() - interval '7 days' and case
        when p_kind = 'warning' then exists (select from private.warned_mentors(p_mentor_ids, p_today))
        when p_kind = 'paused' and p_audience = 'mentor' then exists (
            select from public.peer_mentors as m where m.id = any(p_mentor_ids) and m.status = 'paused'
        )
        else true
    end
$$;
comment on function private.is_message_true is 'True if the message is not too old to be sent, and what it says still holds.';
revoke execute on function private.is_message_true from public, anon, authenticated;
