-- Why an e-mail to an address would not arrive (W6). The last digest to the same address decides: after a bounce, a
-- complaint or a suppression nothing is sent there until the person has another address. A bounce that SES calls
-- Transient, such as a full mailbox, still says that the last message did not arrive, but the next one is tried.
--
-- It computes the hash once and reads an index. Sequential scans are off, because a session may have planned the query
-- while the table was empty; it keeps that plan until the table is analysed.
-- Called by: begin_digest, private.digest_content, list_unreachable_mentors.

create or replace function private.why_unreachable(p_email text)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
declare
    v_hash text;
begin
    if not private.is_address(p_email) then
        return 'no_address';
    end if;
    v_hash := private.hash_address(p_email);
    return (
        select case
            when last.state = 'bounced' and last.reason = 'Transient' then 'bounced_for_now'
            when last.state in ('bounced', 'complained', 'suppressed') then last.state
        end
        from (
            select d.state, d.reason
            from public.digests as d
            where d.address_hash = v_hash and d.state <> 'sending'
            order by d.began_at desc
            limit 1
        ) as last
    );
end
$$;
comment on function private.why_unreachable is
'no_address, bounced, bounced_for_now, complained or suppressed; null: nothing speaks against sending to the address.';
revoke execute on function private.why_unreachable from public, anon, authenticated;
