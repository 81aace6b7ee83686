-- The mentors of the caller who cannot be reached by e-mail (W6): a coordinator's own mentors, or all of the
-- organisation for an administrator, in id order. Inactive mentors are left out. It pages by keyset: p_after is the last
-- mentor of the page before.
-- Called by: the app and the console, for people.
-- Errors: 22023 p_limit is out of bounds.

create or replace function public.list_unreachable_mentors(
    p_org_id uuid, p_after uuid default null, p_limit integer default 100
)
returns table (mentor_id uuid, why text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select private.assert_limit(p_limit);
    select m.id, private.why_unreachable(k.email)
    from public.peer_mentors as m
    left join public.mentor_contacts as k on k.mentor_id = m.id
    where m.org_id = p_org_id and m.status <> 'inactive'
        and m.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
        and (
            p_org_id in (select private.my_admin_orgs())
            or m.id in (select private.coordinated_mentors(private.user_id()))
        )
        and private.why_unreachable(k.email) is not null
    order by m.id
    limit p_limit
$$;
comment on function public.list_unreachable_mentors is
'The caller''s mentors whom no e-mail reaches, and why: no_address, bounced, bounced_for_now, complained, suppressed.';
revoke execute on function public.list_unreachable_mentors from public, anon, authenticated;
grant execute on function public.list_unreachable_mentors to authenticated;
