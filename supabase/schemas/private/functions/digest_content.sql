-- The content of a digest: the address (null if the contact has gone meanwhile), and counts and days of the messages that it
-- covers (W5). If an earlier digest has counted a part of a message's mentors, this one counts the rest.
-- Called by: begin_digest.

create or replace function private.digest_content(p_digest_id uuid)
returns table (
    email text,
    language text,
    day date,
    own_paused_on date,
    own_expires_on date,
    paused_count integer,
    renewed_count integer,
    expiring_count integer,
    first_expires_on date,
    unreachable_count integer,
    held_count integer,
    own_resumed_on date,
    resumed_count integer,
    unforeseen_count integer
)
language sql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
    with digest as (
        select d.*, o.time_zone
        from public.digests as d inner join public.organisations as o on o.id = d.org_id
        where d.id = p_digest_id
    ),

    covered as (
        select m.* from public.messages as m where m.digest_id = p_digest_id
    ),

    -- The mentors for whom the person is responsible, each once.
    expiring as (
        select distinct w.mentor_id, w.expires_on
        from covered as m
        cross join digest as d
        cross join lateral private.warned_mentors(m.mentor_ids, d.day) as w
        where m.audience = 'coordinator' and m.kind = 'warning'
    ),

    unreachable as (
        select distinct ids.mentor_id
        from covered as m cross join lateral unnest(m.mentor_ids) as ids (mentor_id)
        left join public.mentor_contacts as k on k.mentor_id = ids.mentor_id
        where m.audience = 'coordinator'
            and (m.kind <> 'warning' or ids.mentor_id in (select e.mentor_id from expiring as e))
            and private.why_unreachable(m.org_id, k.email) is not null
    ),

    news as (
        select
            m.kind, m.audience,
            sum(m.sending_count - m.announced_count)::integer as mentors,
            max((m.created_at at time zone d.time_zone)::date) as day
        from covered as m cross join digest as d
        group by m.kind, m.audience
    )

    select
        c.email, c.language, d.day,
        (select n.day from news as n where n.audience = 'mentor' and n.kind = 'paused'),
        (
            select min(w.expires_on)
            from covered as m cross join lateral private.warned_mentors(m.mentor_ids, d.day) as w
            where m.audience = 'mentor' and m.kind = 'warning'
        ),
        coalesce((select n.mentors from news as n where n.audience = 'coordinator' and n.kind = 'paused'), 0),
        coalesce((select n.mentors from news as n where n.audience = 'coordinator' and n.kind = 'renewed'), 0),
        (select count(*)::integer from expiring),
        (select min(e.expires_on) from expiring as e),
        (select count(*)::integer from unreachable),
        (
            select count(distinct ids.mentor_id)::integer
            from covered as m cross join lateral unnest(m.mentor_ids) as ids (mentor_id)
            where m.kind = 'held' and ids.mentor_id in (select h.mentor_id from private.held_mentors(d.org_id) as h)
        ),
        (select n.day from news as n where n.audience = 'mentor' and n.kind = 'resumed'),
        coalesce((select n.mentors from news as n where n.audience = 'coordinator' and n.kind = 'resumed'), 0),
        coalesce((select n.mentors from news as n where n.audience = 'admin' and n.kind = 'unforeseen'), 0)
    from digest as d left join lateral private.contact_of(d.org_id, d.person_id) as c on true
$$;
comment on function private.digest_content is 'The address, the language, the counts and the days of a digest.';
revoke execute on function private.digest_content from public, anon, authenticated;
