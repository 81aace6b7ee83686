-- Says of mentors and their expiry dates whether the mentor was warned of that same date early enough (G2): forewarned, or
-- why the pause is unforeseen. A warning does not count if the portal has taken back a later date since: the mentor had been
-- renewed, and knows nothing of the old date. It takes arrays, because a plan asks about thousands.
-- Called by: private.plan_page, private.brake_outcome, explain_mentor.

create or replace function private.why_planned(p_mentor_ids uuid [], p_expires_ons date [], p_as_of date)
returns table (mentor_id uuid, expires_on date, why text)
language sql
stable
set search_path = pg_catalog, pg_temp
set enable_hashjoin = 'off'
set enable_mergejoin = 'off'
set enable_seqscan = 'off'
as $$
    select
        asked.mentor_id, asked.expires_on,
        case
            when same.warned_on <= p_as_of - private.forewarned_days() then 'forewarned'
            when same.warned_on is not null then 'warned_late'
            when exists (select from public.warnings as w where w.mentor_id = asked.mentor_id) then 'warned_of_another_date'
            else 'never_warned'
        end
    from unnest(p_mentor_ids, p_expires_ons) as asked (mentor_id, expires_on)
    left join lateral (
        select min(w.warned_on) as warned_on
        from public.warnings as w
        where w.mentor_id = asked.mentor_id and w.expires_on = asked.expires_on
            and not exists (
                select from public.certification_changes as c
                where c.mentor_id = w.mentor_id and c.from_expires_on > w.expires_on and c.changed_at >= w.created_at
            )
    ) as same on true
$$;
comment on function private.why_planned is
'forewarned, or why a mentor''s pause is unforeseen: warned_late, warned_of_another_date, never_warned.';
revoke execute on function private.why_planned from public, anon, authenticated;
