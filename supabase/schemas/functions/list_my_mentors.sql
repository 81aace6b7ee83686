-- One keyset page of the caller's mentors (C2), by name: an administrator's are all of the organisation. next_step is explained
-- in private.shown_mentors. A mentor without a name sorts first, and the letters of
-- Norwegian last, in the order of its alphabet; this needs no collation that only some servers have. total_count counts all mentors that match.
--
-- p_search is a part of the name in any case, or the beginning of the portal's key, or of the mentor's id with or without dashes
-- (at least 4 digits). The characters %, _ and \ have no special meaning. p_after_id is the last mentor of the
-- page before; the place of that mentor is looked up, so that no address of a page needs to hold a name.
-- Called by: the console, for members.
-- Errors: PT403 not_a_member; 22023 an argument is out of bounds, or p_show is unknown.

create or replace function public.list_my_mentors(
    p_org_id uuid,
    p_search text default null,
    p_show text default 'all',
    p_after_id uuid default null,
    p_limit integer default 50
)
returns table (
    mentor_id uuid,
    display_name text,
    status text,
    version integer,
    expires_on date,
    next_step text,
    total_count bigint
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $$
#variable_conflict use_column
declare
    v_search constant text := lower(btrim(coalesce(p_search, '')));
    v_digits text := replace(v_search, '-', '');
    v_after constant text := (
        select translate(lower(k.display_name collate private.folding), 'æäøöå', '{{||}')
        from public.mentor_contacts as k
        where k.mentor_id = p_after_id and p_after_id in (select private.my_org_mentors(p_org_id))
    );
    v_chosen uuid [];
begin
    perform private.assert_member(p_org_id);
    perform private.assert_limit(p_limit);
    perform private.assert_length('p_search', p_search, 200);
    if v_digits !~ '^[0-9a-f]{4,32}$' then
        v_digits := null;
    end if;
    if p_show = 'paused_tonight' then
        v_chosen := array(select private.paused_tonight(p_org_id));
    elsif p_show = 'unreachable' then
        v_chosen := array(select u.mentor_id from private.my_unreachable_mentors(p_org_id) as u);
    elsif p_show is null or p_show not in (
        'all', 'active', 'paused', 'inactive', 'expiring', 'will_be_paused', 'held', 'set_active'
    ) then
        raise exception 'p_show is unknown' using errcode = '22023',
            detail = 'all, active, paused, inactive, paused_tonight, expiring, will_be_paused, held, unreachable or set_active';
    end if;
    return query
    with found as materialized (
        select m.*, translate(lower(coalesce(m.display_name, '') collate private.folding), 'æäøöå', '{{||}') collate "C" as sorted_by
        from private.shown_mentors(p_org_id) as m
        where (
            p_show = 'all' or m.status = p_show or m.mentor_id = any(v_chosen)
            or m.next_step = case p_show when 'expiring' then 'renew_soon' else p_show end
        ) and (
            v_search = '' or position(v_search in lower(m.display_name)) > 0
            or starts_with(lower(m.portal_key), v_search) or starts_with(replace(m.mentor_id::text, '-', ''), v_digits)
        )
    )

    select
        m.mentor_id, m.display_name, m.status, m.version, private.clamp_day(m.expires_on), m.next_step,
        (select count(*) from found)
    from (
        select f.* from found as f
        where p_after_id is null or (f.sorted_by, f.mentor_id) > (coalesce(v_after, ''), p_after_id)
        order by f.sorted_by, f.mentor_id
        limit p_limit
    ) as m
    order by m.sorted_by, m.mentor_id;
end
$$;
comment on function public.list_my_mentors is
'One page of the caller''s mentors by name, with the next step of each, and how many match.';
revoke execute on function public.list_my_mentors from public, anon, authenticated, service_role;
grant execute on function public.list_my_mentors to authenticated;
