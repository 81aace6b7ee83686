-- Why an e-mail to an address would not arrive (W6), by the organisation's own digests. After a bounce for good, a
-- complaint or a suppression nothing is sent there until the person has another address, also if a later digest left
-- before SES said so. A bounce that SES calls Transient or Undetermined, such as a full mailbox, and a rejected e-mail say
-- that the last message did not arrive, but the next one is tried.
--
-- It computes the hash once and reads an index. Sequential scans are off, because a session may have planned the query
-- while the table was empty; it keeps that plan until the table is analysed.
-- Called by: private.take_messages, private.digest_content, list_unreachable_mentors.

create or replace function private.why_unreachable(p_org_id uuid, p_email text)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
declare
    v_hash text;
begin
    if not private.is_address(btrim(p_email)) then
        return 'no_address';
    end if;
    v_hash := private.hash_address(btrim(p_email));
    return (
        select case when last.is_final then last.state when last.state = 'bounced' then 'bounced_for_now' end
        from (
            select
                d.state,
                d.state in ('complained', 'suppressed') or (
                    d.state = 'bounced' and coalesce(d.reason not in ('Transient', 'Undetermined', 'Reject'), true)
                ) as is_final
            from public.digests as d
            where d.org_id = p_org_id and d.address_hash = v_hash and d.state <> 'sending'
            order by is_final desc, d.began_at desc
            limit 1
        ) as last
    );
end
$$;
comment on function private.why_unreachable is
'no_address, bounced, bounced_for_now, complained or suppressed; null: nothing speaks against sending to the address.';
revoke execute on function private.why_unreachable from public, anon, authenticated;
