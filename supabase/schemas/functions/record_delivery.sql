-- Notes an event of SES about a digest (W4): delivered, bounced, complained, suppressed, or sent, which also decides
-- about a digest whose answer was lost. Events may come late, twice and out of order; a state never moves back.
-- Called by: the notifier, for each event.
-- Errors: 42501 not_your_organisation, 22023 an argument is out of bounds.

create or replace function public.record_delivery(
    p_org_id uuid, p_digest_id uuid, p_state text, p_provider_message_id text, p_reason text default null
)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_length('p_provider_message_id', p_provider_message_id, 200);
    perform private.assert_length('p_reason', p_reason, 100);
    if p_state is null or p_state not in ('sent', 'delivered', 'bounced', 'complained', 'suppressed') then
        raise exception 'unknown state' using errcode = '22023',
            detail = 'p_state must be sent, delivered, bounced, complained or suppressed';
    end if;
    return private.move_digest(p_org_id, p_digest_id, p_state, p_provider_message_id, p_reason);
end
$$;
comment on function public.record_delivery is 'Notes an event of SES about a digest; returns whether that changed anything.';
revoke execute on function public.record_delivery from public, anon, authenticated;
grant execute on function public.record_delivery to service_role, mentor_pause_notifier;
