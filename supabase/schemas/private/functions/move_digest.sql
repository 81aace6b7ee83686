-- Moves a digest and its messages to a later state; an earlier or an equal one changes nothing. A message that has grown
-- since the digest began waits again, with the mentors whom the digest did not cover. An event that names
-- another e-mail than the digest's own changes nothing either.
-- Called by: finish_digest, record_delivery, settle_messages.

create or replace function private.move_digest(
    p_org_id uuid, p_digest_id uuid, p_state text, p_provider_message_id text, p_reason text
)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
declare
    v_order constant text [] := array['sending', 'unknown', 'sent', 'delivered', 'bounced', 'suppressed', 'complained'];
    v_digest public.digests;
begin
    select * into v_digest from public.digests as d where d.id = p_digest_id and d.org_id = p_org_id for update;
    if not found or array_position(v_order, p_state) <= array_position(v_order, v_digest.state)
        or v_digest.provider_message_id <> p_provider_message_id
    then
        return false;
    end if;
    update public.digests as d set
        state = p_state, changed_at = clock_timestamp(),
        provider_message_id = coalesce(d.provider_message_id, p_provider_message_id),
        reason = coalesce(p_reason, d.reason)
    where d.id = p_digest_id;
    update public.messages as m set state = p_state, announced_count = m.sending_count, refusal = null
    where m.digest_id = p_digest_id;
    update public.messages as m set
        state = 'pending', digest_id = null, due_at = clock_timestamp(), expected_at = clock_timestamp()
    where m.digest_id = p_digest_id and cardinality(m.mentor_ids) > m.sending_count;
    return true;
end
$$;
comment on function private.move_digest is 'Moves a digest and its messages to a later state; returns whether it did.';
revoke execute on function private.move_digest from public, anon, authenticated;
