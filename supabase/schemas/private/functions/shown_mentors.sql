-- The caller's mentors as the console lists them (C2), with the next step of each:
--
--   will_be_paused     active and expired: the next run pauses the mentor
--   held               active and expired, and the newest plan holds the mentor (G3)
--   renew_soon         active, and expires within 30 days
--   no_certification   active, and has none
--   set_active         paused, but the certification is valid
--   renew_first        paused, and the certification has expired or there is none
--   none               nothing is to be done
--
-- The plan is made anew for each call: a coordinator of three mentors and an administrator of 100,000 need different ones.
-- Called by: get_tonight, list_my_mentors.

create or replace function private.shown_mentors(
    p_org_id uuid
)
returns table (
    mentor_id uuid, display_name text, status text, version integer, portal_key text, expires_on date, next_step text
)
language plpgsql
stable
rows 5000
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $$
#variable_conflict use_column
declare
    v_today constant date := private.org_today(p_org_id);
    v_held constant uuid [] := array(select h.mentor_id from private.held_mentors(p_org_id) as h);
    v_mine constant uuid [] := array(select private.my_org_mentors(p_org_id));
begin
    return query
    select
        r.id, r.display_name, r.status, r.version, r.portal_key, r.expires_on,
        case
            when r.status = 'active' and r.expires_on is null then 'no_certification'
            when r.status = 'active' and r.expires_on <= v_today
                then case when r.id = any(v_held) then 'held' else 'will_be_paused' end
            when r.status = 'active' and r.expires_on <= v_today + 30 then 'renew_soon'
            when r.status = 'paused' and r.expires_on > v_today then 'set_active'
            when r.status = 'paused' then 'renew_first'
            else 'none'
        end
    from (
        select
            m.id, k.display_name, m.status, m.version, m.portal_key, c.expires_on
        from unnest(v_mine) as mine (id)
        inner join public.peer_mentors as m on m.id = mine.id
        left join public.mentor_contacts as k on k.mentor_id = m.id
        left join (
            select x.mentor_id, max(x.expires_on) as expires_on
            from public.certifications as x where x.mentor_id = any(v_mine) group by x.mentor_id
        ) as c on c.mentor_id = m.id
    ) as r;
end
$$;
comment on function private.shown_mentors is 'The caller''s mentors with their names, their latest expiry dates and their next steps.';
revoke execute on function private.shown_mentors from public, anon, authenticated;
