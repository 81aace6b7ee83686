-- What the page of one mentor shows (C3): one JSON object, with the story of explain_mentor and the newest 50 changes of status.
-- may_change: the person is the mentor, or a responsible coordinator. It names nobody who made a change: by is a kind of
-- caller. The note of an approval says why the mentor was paused, so whoever may see the mentor reads it.
-- Called by: the console, for people who may see the mentor.
-- Errors: PT403 not_yours, also if there is no such mentor.

create or replace function public.get_mentor_page(p_org_id uuid, p_mentor_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_mentor public.peer_mentors;
    v_contact public.mentor_contacts;
begin
    if private.sees_mentor(private.user_id(), p_mentor_id, p_org_id) then
        select * into v_mentor from public.peer_mentors as m where m.id = p_mentor_id and m.org_id = p_org_id;
    end if;
    if v_mentor.id is null then
        perform private.refuse_mentor();
    end if;
    select * into v_contact from public.mentor_contacts as k where k.mentor_id = p_mentor_id;
    return jsonb_build_object(
        'mentor_id', v_mentor.id, 'display_name', v_contact.display_name, 'status', v_mentor.status,
        'version', v_mentor.version,
        'expires_on', (
            select private.clamp_day(max(c.expires_on)) from public.certifications as c where c.mentor_id = p_mentor_id
        ),
        'may_change', private.may_change(p_mentor_id),
        'is_me', coalesce(v_mentor.user_id = private.user_id(), false),
        'unreachable', case when v_mentor.status <> 'inactive' then private.why_unreachable(p_org_id, v_contact.email) end,
        'explanation', public.explain_mentor(p_mentor_id, p_org_id),
        'history', coalesce((
            select jsonb_agg(jsonb_build_object(
                'at', h.changed_at, 'from', h.previous_status, 'to', h.new_status, 'reason', h.reason,
                'by', h.changed_by_role, 'is_me', coalesce(h.changed_by = private.user_id(), false),
                'expires_on', private.clamp_day(h.certification_expiry_date),
                'approval_note', h.approval_note
            ) order by h.id desc)
            from (
                select x.* from public.peer_mentor_status_history as x
                where x.mentor_id = p_mentor_id order by x.id desc limit 50
            ) as h
        ), '[]')
    );
end
$$;
comment on function public.get_mentor_page is
'What the page of one mentor shows, as one JSON object.';
revoke execute on function public.get_mentor_page from public, anon, authenticated, service_role;
grant execute on function public.get_mentor_page to authenticated;
