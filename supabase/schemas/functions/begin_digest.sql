-- Begins the next digest (W3), and returns its address, counts and days. It takes the person whose messages have waited
-- longest; people who have other messages than warnings come first, because a pause is more urgent where the day's quota
-- is short. No row: nothing is due. A row without an address: this call found nothing to send, but there may be more;
-- call again.
--
-- private.take_messages says which messages a digest covers, and when the others are due. A person for whom that fails or
-- takes too long, for example because a view of contacts fails for one row, is tried again after an hour and keeps
-- nobody else waiting. After two seconds a call begins with no other person.
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
    held_count integer,
    own_resumed_on date,
    resumed_count integer,
    unforeseen_count integer
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
    v_person uuid;
    v_email text;
    v_state text;
begin
    perform private.assert_job_org(p_org_id);
    if p_digest_id is null or not exists (select from public.organisations as o where o.id = p_org_id) then
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
        select c.email into v_email from private.digest_content(p_digest_id) as c;
        if v_email is not null then
            update public.digests as d set address_hash = private.hash_address(v_email) where d.id = p_digest_id;
            return query select * from private.digest_content(p_digest_id);
            return;
        end if;
        -- The contact has gone since the first call; nothing was sent.
        perform public.finish_digest(p_org_id, p_digest_id, 'refused', null, 'no address', 1);
    end if;

    for n in 1..v_most_persons loop
        exit when clock_timestamp() > v_now + interval '2 seconds';
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
        begin
            if private.take_messages(p_org_id, v_person, p_digest_id) then
                return query select * from private.digest_content(p_digest_id);
                return;
            end if;
        exception
            -- Another transaction has the rows for a moment; the notifier repeats the call.
            when lock_not_available or deadlock_detected then raise;
            when query_canceled or others then  -- one person's rows must not stop everybody else's messages
                raise warning 'a digest was not begun: %', sqlstate;
                update public.messages as m set due_at = clock_timestamp() + interval '1 hour', refusal = 'SQLSTATE ' || sqlstate
                where m.org_id = p_org_id and m.person_id = v_person and m.state in ('pending', 'no_address');
        end;
    end loop;
    email := null;
    return next;
end
$$;
comment on function public.begin_digest is
'Begins the next digest and returns its address, counts and days; no row: nothing is due; no address: call again.';
revoke execute on function public.begin_digest from public, anon, authenticated;
grant execute on function public.begin_digest to service_role, mentor_pause_notifier;
