-- The mentors of a plan (G1), in id order, after p_after, at most p_limit (null: all): every active mentor whose latest
-- certification expired on or before p_as_of, and whether the mentor was warned in time.
-- Called by: plan_certification_expiry, make_plan.

create or replace function private.plan_page(p_org_id uuid, p_as_of date, p_after uuid, p_limit integer)
returns table (mentor_id uuid, version integer, expires_on date, why text)
language sql
stable
set search_path = pg_catalog, pg_temp
set enable_hashjoin = 'off'
set enable_mergejoin = 'off'
set enable_seqscan = 'off'
as $$
    with expired as materialized (
        select e.mentor_id, e.expires_on from private.expired_mentors(p_org_id, p_as_of, p_after, p_limit) as e
    )

    select
        w.mentor_id, m.version, greatest(date '0001-01-01', least(w.expires_on, date '9999-12-31')), w.why
    from private.why_planned(
        array(select e.mentor_id from expired as e order by e.mentor_id),
        array(select e.expires_on from expired as e order by e.mentor_id),
        p_as_of
    ) as w
    inner join public.peer_mentors as m on m.id = w.mentor_id
    order by w.mentor_id
$$;
comment on function private.plan_page is 'Active mentors with an expired certification, and whether they were warned in time.';
revoke execute on function private.plan_page from public, anon, authenticated;
