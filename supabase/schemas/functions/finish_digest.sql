-- Notes what SES answered to a digest (W4):
--
--   sent      SES accepted the e-mail under p_provider_message_id
--   refused   SES did not accept it, and will not send it; the messages wait for p_retry_seconds
--   unknown   SES did not answer; the person may have the e-mail, so it is not sent again
--
-- The messages keep the reason of a refusal. An event of SES may come before this call; then the call changes nothing. Repeated calls change nothing.
-- Called by: the notifier, after each digest.
-- Locks: the digest, and its messages.
-- Errors: 42501 not_your_organisation, 22023 an argument is out of bounds.

create or replace function public.finish_digest(
    p_org_id uuid,
    p_digest_id uuid,
    p_result text,
    p_provider_message_id text default null,
    p_reason text default null,
    p_retry_seconds integer default 3600
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
    perform private.assert_between('p_retry_seconds', coalesce(p_retry_seconds, 0), 1, 86400);
    if p_result is null or p_result not in ('sent', 'refused', 'unknown') then
        raise exception 'unknown result' using errcode = '22023', detail = 'p_result must be sent, refused or unknown';
    end if;
    if p_result = 'refused' then
        -- The lock comes first: an event of SES may move the digest at this moment.
        perform from public.digests as d
        where d.id = p_digest_id and d.org_id = p_org_id and d.state = 'sending' for update;
        if not found then
            return false;
        end if;
        update public.messages as m set
            state = 'pending', digest_id = null, refusal = coalesce(p_reason, 'refused'),
            due_at = clock_timestamp() + interval '1 second' * p_retry_seconds
        where m.digest_id = p_digest_id;
        delete from public.digests as d where d.id = p_digest_id;
        return true;
    end if;
    return private.move_digest(p_org_id, p_digest_id, p_result, p_provider_message_id, p_reason);
end
$$;
comment on function public.finish_digest is 'Notes what SES answered to a digest; returns whether that changed anything.';
revoke execute on function public.finish_digest from public, anon, authenticated;
grant execute on function public.finish_digest to service_role, mentor_pause_notifier;
