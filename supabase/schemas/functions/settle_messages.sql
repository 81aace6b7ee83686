-- Puts right what earlier notifiers left (W3): a digest that has been sending for five minutes has lost its notifier or
-- its answer and becomes unknown. Messages that have waited for seven days become outdated, also if no sender is
-- configured; so a sender that is configured later sends no old messages.
-- Called by: the notifier, at the beginning of each invocation. One call settles at most 10,000 of each; the next call
-- goes on.
-- Errors: 42501 not_your_organisation.

create or replace function public.settle_messages(p_org_id uuid)
returns table (unknown_count integer, outdated_count integer)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
#variable_conflict use_column
begin
    perform private.assert_job_org(p_org_id);
    select count(*) filter (where private.move_digest(p_org_id, d.id, 'unknown', null, 'no answer')) into unknown_count
    from (
        select s.id
        from public.digests as s
        where s.org_id = p_org_id and s.state = 'sending' and s.began_at < clock_timestamp() - interval '5 minutes'
        order by s.began_at
        limit 10000
    ) as d;
    update public.messages as m set state = 'outdated'
    where m.id in (
        select w.id
        from public.messages as w
        where w.org_id = p_org_id and w.state in ('pending', 'no_address')
            and w.created_at < clock_timestamp() - interval '7 days'
        limit 10000
    );
    get diagnostics outdated_count = row_count;
    return next;
end
$$;
comment on function public.settle_messages is
'Ends digests without an answer as unknown, and messages that waited for seven days as outdated; returns how many.';
revoke execute on function public.settle_messages from public, anon, authenticated;
grant execute on function public.settle_messages to service_role, mentor_pause_notifier;
