-- The figures of the metrics about messages (W7): messages that have waited for more than an hour though they could leave,
-- and the digests of the last 24 hours that bounced, that SES suppressed or a person complained about, or whose answer
-- was lost; and the messages of the last seven days to people without an address.
-- Called by: the monitor; the command line.
-- Errors: 42501 not_your_organisation.

create or replace function public.get_message_figures(p_org_id uuid)
returns table (
    undelivered_count bigint, bounced_count bigint, complained_count bigint, unknown_count bigint, no_address_count bigint
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_job_org(p_org_id);
    with ended as (
        select d.state
        from public.digests as d
        where d.org_id = p_org_id and d.changed_at > clock_timestamp() - interval '1 day'
    )

    select
        (
            select count(*)
            from public.messages as m
            where m.org_id = p_org_id and m.state = 'pending' and m.expected_at < clock_timestamp() - interval '1 hour'
        ),
        (select count(*) from ended as e where e.state in ('bounced', 'suppressed')),
        (select count(*) from ended as e where e.state = 'complained'),
        (select count(*) from ended as e where e.state = 'unknown'),
        (
            select count(*)
            from public.messages as m
            where m.org_id = p_org_id and m.state = 'no_address'
        )
$$;
comment on function public.get_message_figures is 'How many messages wait, bounced, brought a complaint, are unknown, or have no address.';
revoke execute on function public.get_message_figures from public, anon, authenticated;
grant execute on function public.get_message_figures to service_role, mentor_pause_job;
