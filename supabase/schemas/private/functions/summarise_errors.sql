-- The reasons why mentors were not paused, grouped, in the words that the Lambdas use: the number of errors,
-- then each reason with its number and an example, the largest group first (E7). It names twenty reasons and
-- counts the rest.
-- Called by: run_certification_expiry, with the results of private.pause_each by mentor.

create or replace function private.summarise_errors(p_results jsonb)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    with reasons as (
        select
            case r.value
                when '55P03' then 'locked by another transaction'
                when 'left' then 'left for the next call, because time was up'
                else 'failed with SQLSTATE ' || r.value
            end as reason,
            count(*) as number,
            min(r.key) as example
        from jsonb_each_text(p_results) as r
        where r.value not in ('changed', 'replayed', 'not_active', 'not_expired', 'held', 'changed_since')
        group by 1
    ),

    ranked as (
        select reasons.*, row_number() over (order by reasons.number desc, reasons.reason) as place from reasons
    )

    select
        format('%s error%s: ', sum(ranked.number), case when sum(ranked.number) > 1 then 's' end)
        || string_agg(
            format('%s %s, such as mentor %s', ranked.number, ranked.reason, ranked.example), '; ' order by ranked.place
        ) filter (where ranked.place <= 20)
        || case
            when count(*) > 20
                then format(
                    '; and %s more kinds (%s mentors)', count(*) - 20,
                    sum(ranked.number) filter (where ranked.place > 20)
                )
            else ''
        end
    from ranked
$$;
comment on function private.summarise_errors is 'The reasons why mentors were not paused, grouped; null if there are none.';
revoke execute on function private.summarise_errors from public, anon, authenticated;
