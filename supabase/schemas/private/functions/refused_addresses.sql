-- The addresses of an organisation to which an e-mail would not arrive (W6), by the organisation's own digests. The rule is that
-- of private.why_unreachable, for all addresses at once; a test compares them.
-- It begins with the few digests that did not arrive, which have an index of their own.
-- Called by: private.my_unreachable_mentors.

create or replace function private.refused_addresses(p_org_id uuid)
returns table (address_hash text, why text)
language sql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
    select refused.address_hash, case when last.is_final then last.state else 'bounced_for_now' end
    from (
        select distinct d.address_hash from public.digests as d
        where d.org_id = p_org_id and d.state in ('bounced', 'complained', 'suppressed')
    ) as refused
    cross join lateral (
        select d.state, f.is_final
        from public.digests as d
        cross join lateral (
            select d.state in ('complained', 'suppressed') or (
                d.state = 'bounced' and coalesce(d.reason not in ('Transient', 'Undetermined', 'Reject'), true)
            )
        ) as f (is_final)
        where d.org_id = p_org_id and d.address_hash = refused.address_hash and d.state <> 'sending'
        order by f.is_final desc, d.began_at desc
        limit 1
    ) as last
    where last.is_final or last.state = 'bounced'
$$;
comment on function private.refused_addresses is 'The hashes of the addresses to which an e-mail would not arrive, and why.';
revoke execute on function private.refused_addresses from public, anon, authenticated;
