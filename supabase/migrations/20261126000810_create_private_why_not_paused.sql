-- The reasons why mentors were not paused, grouped: what, how many, an example.
-- Locks: none. Called by: run_certification_expiry, with the results of private.pause_each by mentor.

create function private.why_not_paused(p_results jsonb)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select string_agg(
        format('%s: %s, for example mentor %s', reasons.reason, reasons.number, reasons.example), '; ' order by reasons.reason
    )
    from (
        select
            case r.value
                when '55P03' then 'locked by another transaction'
                when 'left' then 'left for the next call, because time was up'
                else 'failed with SQLSTATE ' || r.value
            end as reason,
            count(*) as number,
            min(r.key) as example
        from jsonb_each_text(p_results) as r
        where r.value not in ('changed', 'replayed', 'not_active', 'not_expired')
        group by 1
    ) as reasons
$$;
comment on function private.why_not_paused is 'Why mentors were not paused, grouped; null if there is nobody.';
revoke execute on function private.why_not_paused from public, anon, authenticated;
