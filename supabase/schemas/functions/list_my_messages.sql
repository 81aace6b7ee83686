-- The caller's own messages (W3), the newest first: what a mentor or a coordinator was informed of, with or without e-mail. It
-- reads an index for each id by which messages name the caller, so a page costs the same with any number of messages. It
-- pages by keyset: p_before is the last id of the page before. An administrator who asks gets their own messages only.
-- Called by: the app and the console, for people.
-- Errors: 22023 p_limit is out of bounds.

create or replace function public.list_my_messages(p_before bigint default null, p_limit integer default 50)
returns table (
    id bigint,
    org_id uuid,
    audience text,
    kind text,
    mentor_ids uuid [],
    expires_on date,
    job_run_id uuid,
    created_at timestamptz,
    read_at timestamptz,
    state text
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_limit(p_limit);
    select m.id, m.org_id, m.audience, m.kind, m.mentor_ids, m.expires_on, m.job_run_id, m.created_at, m.read_at, m.state
    from private.my_person_ids() as mine (person_id)
    cross join lateral (
        select x.*
        from public.messages as x
        where x.person_id = mine.person_id and x.reminder = 0 and x.id < coalesce(p_before, 9223372036854775807)
            and (x.audience = 'mentor' or x.org_id in (select private.my_memberships()))
        order by x.id desc
        limit p_limit
    ) as m
    order by m.id desc
    limit p_limit
$$;
comment on function public.list_my_messages is 'The caller''s own messages, newest first.';
revoke execute on function public.list_my_messages from public, anon, authenticated, service_role;
grant execute on function public.list_my_messages to authenticated;
