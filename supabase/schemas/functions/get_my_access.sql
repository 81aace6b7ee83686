-- Who the signed-in person is in an organisation (C1): the role, the person as a mentor, the name, the language, and how many own
-- messages are unread (at most 100). Somebody whom the organisation does not know gets nulls, and the day of Europe/Oslo; so do
-- all if there is no such organisation.
-- Called by: the console, for people.
-- Errors: none.

create or replace function public.get_my_access(p_org_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_role constant text := private.my_role(p_org_id);
    v_mentor_id uuid;
    v_name text;
    v_language text;
    v_zone text := 'Europe/Oslo';
begin
    select m.id into v_mentor_id from public.peer_mentors as m
    where m.user_id = private.user_id() and m.org_id = p_org_id order by m.id limit 1;
    if v_role is not null or v_mentor_id is not null then
        select o.time_zone into v_zone from public.organisations as o where o.id = p_org_id;
    end if;
    select c.display_name, case when c.language ~* '^en\M' then 'en' else 'nb' end into v_name, v_language
    from (
        select k.display_name, k.language, 1 as place from public.member_contacts as k
        where k.org_id = p_org_id and k.user_id = private.user_id()
        union all
        select k.display_name, k.language, 2 from public.mentor_contacts as k where k.mentor_id = v_mentor_id
    ) as c
    order by c.place limit 1;
    return jsonb_build_object(
        'user_id', private.user_id(), 'role', v_role, 'mentor_id', v_mentor_id, 'display_name', v_name, 'language', v_language,
        'today', (statement_timestamp() at time zone v_zone)::date, 'time_zone', v_zone,
        'unread', (
            select count(*) from (
                select from private.my_person_ids() as mine (person_id)
                inner join public.messages as m on m.person_id = mine.person_id
                where m.read_at is null and m.reminder = 0
                    and (m.audience = 'mentor' or m.org_id in (select private.my_memberships()))
                limit 100
            ) as unread
        )
    );
end
$$;
comment on function public.get_my_access is
'Who the caller is in an organisation, and how many own messages are unread, as one JSON object.';
revoke execute on function public.get_my_access from public, anon, authenticated, service_role;
grant execute on function public.get_my_access to authenticated;
