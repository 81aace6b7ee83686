-- Whether a withdrawal of a run may resume a mentor (G5). Null: it may.
--
--   changed_since   the pause by that run is not the mentor's last change
--   still_expired   the mentor has no certification that is valid on p_today
--
-- Called by: private.withdrawal_outcome, preview_withdrawal.

create or replace function private.why_not_resumed(p_withdrawn uuid, p_mentor_id uuid, p_status text, p_expires_on date, p_today date)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
    select case
        when p_status <> 'paused' or p_withdrawn is distinct from (
            select h.job_run_id from public.peer_mentor_status_history as h
            where h.mentor_id = p_mentor_id order by h.id desc limit 1
        ) then 'changed_since'
        when p_expires_on is null or p_expires_on <= p_today then 'still_expired'
    end
$$;
comment on function private.why_not_resumed is 'changed_since or still_expired if the withdrawal of a run may not resume the mentor; null if it may.';
revoke execute on function private.why_not_resumed from public, anon, authenticated;
