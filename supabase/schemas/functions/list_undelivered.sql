-- Which messages did not arrive, and whom no e-mail reaches (C4, W6): the newest 100 messages with their person's name, the first
-- 200 mentors in id order, and the members.
-- Called by: the console, for administrators.
-- Errors: PT403 not_an_administrator.

create or replace function public.list_undelivered(p_org_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform private.assert_administrator(p_org_id);
    return (
        select jsonb_build_object(
            'people_count', count(*),
            'people', coalesce(jsonb_agg(jsonb_build_object(
                'mentor_id', u.mentor_id, 'display_name', k.display_name, 'why', u.why
            ) order by u.mentor_id) filter (where u.place <= 200), '[]')
        )
        from (
            select x.*, row_number() over (order by x.mentor_id) as place from private.my_unreachable_mentors(p_org_id) as x
        ) as u
        left join public.mentor_contacts as k on k.mentor_id = u.mentor_id
    ) || jsonb_build_object(
        'messages', coalesce((
            select jsonb_agg(jsonb_build_object(
                'id', m.id, 'created_at', m.created_at, 'audience', m.audience, 'kind', m.kind, 'state', m.state,
                'display_name', case when m.audience = 'mentor' then (
                    select k.display_name from public.mentor_contacts as k where k.mentor_id = m.mentor_ids[1]
                ) else (
                    select k.display_name from public.member_contacts as k
                    where k.org_id = p_org_id and k.user_id = m.person_id
                ) end,
                'mentor_id', case when m.audience = 'mentor' then m.mentor_ids[1] end
            ) order by m.id desc)
            from (
                select x.* from public.messages as x
                where x.org_id = p_org_id and x.state in ('bounced', 'complained', 'suppressed', 'no_address', 'unknown')
                order by x.id desc limit 100
            ) as m
        ), '[]'),
        'members', coalesce((
            select jsonb_agg(jsonb_build_object('display_name', o.display_name, 'why', o.why) order by o.display_name, o.user_id)
            from (
                select x.user_id, k.display_name, private.why_unreachable(p_org_id, k.email) as why
                from public.org_members as x
                left join public.member_contacts as k on k.org_id = x.org_id and k.user_id = x.user_id
                where x.org_id = p_org_id
            ) as o
            where o.why is not null
        ), '[]')
    );
end
$$;
comment on function public.list_undelivered is
'Which messages did not arrive, and whom no e-mail reaches, as one JSON object.';
revoke execute on function public.list_undelivered from public, anon, authenticated, service_role;
grant execute on function public.list_undelivered to authenticated;
