-- The messages of an organisation for operators (W7), the newest first: to whom, about what, how far the delivery has
-- come, and how many mentors each is about. With p_undelivered only those that did not arrive and are not outdated, or
-- that have waited for more than an hour. It names no address. It pages by keyset: p_before is the last id of the page
-- before.
-- Called by: the command line.
-- Errors: 42501 not_your_organisation, 22023 p_limit is out of bounds.

create or replace function public.list_messages(
    p_org_id uuid, p_undelivered boolean default false, p_before bigint default null, p_limit integer default 50
)
returns table (
    id bigint,
    audience text,
    person_id uuid,
    kind text,
    mentor_count integer,
    state text,
    reason text,
    created_at timestamptz,
    due_at timestamptz,
    changed_at timestamptz
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    select private.assert_limit(p_limit);
    select m.id, m.audience, m.person_id, m.kind, cardinality(m.mentor_ids), m.state, coalesce(d.reason, m.refusal),
        m.created_at, m.due_at, d.changed_at
    from public.messages as m
    left join public.digests as d on d.id = m.digest_id
    where m.org_id = p_org_id and m.id < coalesce(p_before, 9223372036854775807)
        and (
            p_undelivered is not true
            or m.state in ('bounced', 'complained', 'suppressed', 'unknown', 'no_address')
            or (m.state in ('pending', 'sending') and m.expected_at < clock_timestamp() - interval '1 hour')
        )
    order by m.id desc
    limit p_limit
$$;
comment on function public.list_messages is 'Messages of an organisation, newest first; with p_undelivered those that did not arrive.';
revoke execute on function public.list_messages from public, anon, authenticated;
grant execute on function public.list_messages to service_role, mentor_pause_job;
