-- Merges two sorted arrays of ids into one, with each id once. width_bucket finds the places of the new ids by
-- halving, and only the old ids between those places are sorted again. So a short array is merged into one with
-- a million ids without comparing all of them. Usually the new ids come after all old ones. The function is
-- plpgsql, which reads a long array from its storage once and not at each use.
-- Called by: private.notify_page.

create or replace function private.merge_ids(p_old uuid [], p_new uuid [])
returns uuid []
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_first constant integer := width_bucket(p_new[1], p_old);
    v_last constant integer := width_bucket(p_new[cardinality(p_new)], p_old);
begin
    if p_old[cardinality(p_old)] < p_new[1] then
        return p_old || p_new;
    end if;
    return p_old[:v_first - 1]
        || array(select distinct ids.id from unnest(p_old[v_first:v_last] || p_new) as ids (id) order by ids.id)
        || p_old[v_last + 1:];
end
$$;
comment on function private.merge_ids is 'The ids of two sorted arrays, sorted, each once; neither array may be empty.';
revoke execute on function private.merge_ids from public, anon, authenticated;
