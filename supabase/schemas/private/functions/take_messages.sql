-- Begins the next e-mail to one person, with the messages that wait and still hold. Messages about the brake go at once, in
-- an e-mail of their own; all other messages go together in the digest of the day. It returns false, and says in the messages
-- when to try again, if there is nothing to send to the person now:
--
--   * the person got a digest today: tomorrow at 06:00, or with the next night's message
--   * it is before 06:00, and no message is of today: at 06:00, so that an old message does not use up the day before
--     the night's run
--   * no message holds any more: never (outdated)
--   * the person has no address, or an address that does not work: in a day (no_address, with the reason)
--
-- Called by: begin_digest.

create or replace function private.take_messages(p_org_id uuid, p_person_id uuid, p_digest_id uuid)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
declare
    v_now constant timestamptz := clock_timestamp();
    v_today constant date := private.org_today(p_org_id);
    v_zone constant text := (select o.time_zone from public.organisations as o where o.id = p_org_id);
    v_midnight constant timestamptz := v_today::timestamp at time zone v_zone;
    v_morning constant timestamptz := (v_today + time '06:00') at time zone v_zone;
    v_tomorrow constant timestamptz := (v_today + 1 + time '06:00') at time zone v_zone;
    v_urgent bigint [];
    v_ids bigint [];
    v_later timestamptz;
    v_email text;
    v_why text;
begin
    select
        array_agg(m.id) filter (where m.kind in ('held', 'unforeseen') and m.due_at <= v_now),
        array_agg(m.id) filter (where m.kind not in ('held', 'unforeseen'))
    into v_urgent, v_ids
    from public.messages as m
    where m.org_id = p_org_id and m.person_id = p_person_id and m.state in ('pending', 'no_address');
    if v_urgent is not null then
        v_ids := v_urgent;
    elsif exists (
        select from public.digests as d
        where d.org_id = p_org_id and d.person_id = p_person_id and d.day = v_today and not d.is_urgent
    ) then
        v_later := v_tomorrow;
    elsif v_now < v_morning and not exists (
        select from public.messages as m where m.id = any(v_ids) and m.created_at >= v_midnight
    ) then
        v_later := v_morning;
    end if;
    if v_later is not null then
        update public.messages as m set due_at = v_later, expected_at = v_later
        where m.id = any(v_ids) and m.due_at <= v_now;
        return false;
    end if;

    update public.messages as m set state = 'outdated'
    where m.id = any(v_ids) and not private.is_message_true(m.id, v_today);
    select c.email into v_email from private.contact_of(p_org_id, p_person_id) as c;
    v_why := private.why_unreachable(p_org_id, v_email);
    if v_why is not null and v_why <> 'bounced_for_now' then
        update public.messages as m set
            state = 'no_address', refusal = nullif(v_why, 'no_address'), due_at = v_now + interval '1 day'
        where m.id = any(v_ids) and m.state in ('pending', 'no_address');
        return false;
    end if;

    perform from public.messages as m where m.id = any(v_ids) and m.state in ('pending', 'no_address');
    if not found then
        return false;
    end if;
    insert into public.digests (id, org_id, person_id, day, state, address_hash, is_urgent)
    values (
        p_digest_id, p_org_id, p_person_id, v_today, 'sending', private.hash_address(v_email), v_urgent is not null
    );
    update public.messages as m set
        state = 'sending', digest_id = p_digest_id, sending_count = cardinality(m.mentor_ids)
    where m.id = any(v_ids) and m.state in ('pending', 'no_address');
    return true;
end
$$;
comment on function private.take_messages is
'Begins the next e-mail to a person; false: there is nothing to send to the person now.';
revoke execute on function private.take_messages from public, anon, authenticated;
