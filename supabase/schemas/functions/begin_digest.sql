-- Begins the next digest (W3), and returns its address, counts and days. It takes the person whose messages have waited
-- longest; people who have other messages than warnings come first. No row: nothing is due. A row without an address:
-- this call found nothing to send, but there may be more; call again.
--
-- The digest covers all of the person's messages that wait and still hold. A person gets one digest on a day of the
-- organisation: if there was one today, their messages wait until tomorrow at 06:00, or for the next night's message,
-- which takes them along. Messages that no longer hold become outdated. A person without an address is tried again
-- after a day. Nothing is sent to an address that bounced for good or complained (W6).
--
-- p_digest_id is the digest's new id, which the notifier chooses. The same call again returns the same digest, so a
-- call whose answer was lost can be repeated. A digest that does not get an answer of SES becomes unknown.
-- Sequential scans are off, because a session may have planned these queries while the tables were empty.
-- Called by: the notifier, right before it sends the e-mail.
-- Locks: the organisation's row of private.notifiers; so one digest begins at a time.
-- Errors: 42501 not_your_organisation, 22023 the id is missing, PT409 the digest has been sent already.

create or replace function public.begin_digest(p_org_id uuid, p_digest_id uuid)
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
    held_count integer
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
set lock_timeout = '3s'
as $$
#variable_conflict use_column
declare
    v_most_persons constant integer := 200;
    v_now constant timestamptz := clock_timestamp();
    v_today constant date := private.org_today(p_org_id);
    v_tomorrow constant timestamptz := (
        select (v_today + 1 + time '06:00') at time zone o.time_zone from public.organisations as o where o.id = p_org_id
    );
    v_person uuid;
    v_email text;
    v_why text;
    v_state text;
begin
    perform private.assert_job_org(p_org_id);
    if p_digest_id is null or v_today is null then
        raise exception 'p_digest_id or the organisation is missing' using errcode = '22023',
            detail = 'the notifier chooses a new id for each digest';
    end if;
    insert into private.notifiers (org_id) values (p_org_id) on conflict do nothing;
    perform from private.notifiers as n where n.org_id = p_org_id for update;

    select d.state into v_state from public.digests as d where d.id = p_digest_id and d.org_id = p_org_id;
    if found then
        if v_state <> 'sending' then
            raise exception 'the digest is % already', v_state using errcode = 'PT409', hint = 'digest_sent',
                detail = 'choose a new id for each digest';
        end if;
        return query select * from private.digest_content(p_digest_id);
        return;
    end if;

    for n in 1..v_most_persons loop
        -- Where the day's quota is short, a pause is more urgent than a warning.
        v_person := coalesce(
            (
                select m.person_id
                from public.messages as m
                where m.org_id = p_org_id and m.state in ('pending', 'no_address') and (m.kind = 'warning') is false
                    and m.due_at <= v_now
                order by m.due_at, m.id
                limit 1
            ),
            (
                select m.person_id
                from public.messages as m
                where m.org_id = p_org_id and m.state in ('pending', 'no_address') and (m.kind = 'warning') is true
                    and m.due_at <= v_now
                order by m.due_at, m.id
                limit 1
            )
        );
        if v_person is null then
            return;
        end if;
        if exists (
            select from public.digests as d
            where d.org_id = p_org_id and d.person_id = v_person and d.day = v_today
        ) then
            update public.messages as m set due_at = v_tomorrow, expected_at = v_tomorrow
            where m.org_id = p_org_id and m.person_id = v_person and m.state in ('pending', 'no_address')
                and m.due_at <= v_now;
            continue;
        end if;

        update public.messages as m set state = 'outdated'
        where m.org_id = p_org_id and m.person_id = v_person and m.state in ('pending', 'no_address')
            and not private.is_message_true(m.id, v_today);
        select c.email into v_email from private.contact_of(p_org_id, v_person) as c;
        v_why := private.why_unreachable(v_email);
        if v_why is not null and v_why <> 'bounced_for_now' then
            update public.messages as m set
                state = case when v_why = 'no_address' then 'no_address' else 'suppressed' end,
                due_at = clock_timestamp() + interval '1 day'
            where m.org_id = p_org_id and m.person_id = v_person and m.state in ('pending', 'no_address');
            continue;
        end if;

        perform from public.messages as m
        where m.org_id = p_org_id and m.person_id = v_person and m.state in ('pending', 'no_address');
        continue when not found;
        insert into public.digests (id, org_id, person_id, day, state, address_hash)
        values (p_digest_id, p_org_id, v_person, v_today, 'sending', private.hash_address(v_email));
        update public.messages as m set
            state = 'sending', digest_id = p_digest_id, sending_count = cardinality(m.mentor_ids)
        where m.org_id = p_org_id and m.person_id = v_person and m.state in ('pending', 'no_address');
        return query select * from private.digest_content(p_digest_id);
        return;
    end loop;
    email := null;
    return next;
end
$$;
comment on function public.begin_digest is
'Begins the next digest and returns its address, counts and days; no row: nothing is due; no address: call again.';
revoke execute on function public.begin_digest from public, anon, authenticated;
grant execute on function public.begin_digest to service_role, mentor_pause_notifier;
