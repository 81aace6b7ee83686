-- Merges two sorted arrays of ids into one, with each id once. width_bucket finds the places of the new ids by
-- halving, and only the old ids between those places are sorted again. So a short array is merged into one with
-- a million ids without comparing all of them.
-- Called by: private.notify_page.

create or replace function private.merge_ids(p_old uuid [], p_new uuid [])
returns uuid []
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select
        p_old[:places.first - 1]
        || array(select distinct ids.id from unnest(p_old[places.first:places.last] || p_new) as ids (id) order by ids.id)
        || p_old[places.last + 1:]
    from (
        select
            width_bucket(p_new[1], p_old) as first,
            width_bucket(p_new[cardinality(p_new)], p_old) as last
    ) as places
$$;
comment on function private.merge_ids is 'The ids of two sorted arrays, sorted, each once; neither array may be empty.';
revoke execute on function private.merge_ids from public, anon, authenticated;
