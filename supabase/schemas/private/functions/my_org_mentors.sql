-- The mentors of an organisation whom the signed-in person works with (C2): for an administrator all, for a coordinator
-- those of private.coordinated_mentors, for others nobody. The console calls them "mine".
-- Called by: the functions of the console.

create or replace function private.my_org_mentors(p_org_id uuid)
returns setof uuid
language plpgsql
stable
rows 5000
set search_path = pg_catalog, pg_temp
as $$
begin
    if private.my_role(p_org_id) = 'admin' then
        return query select m.id from public.peer_mentors as m where m.org_id = p_org_id;
    else
        return query
        select m.id
        from private.coordinated_mentors(private.user_id()) as mine (id)
        inner join public.peer_mentors as m on m.id = mine.id
        where m.org_id = p_org_id;
    end if;
end
$$;
comment on function private.my_org_mentors is 'The mentors of an organisation whom the caller administers or coordinates.';
revoke execute on function private.my_org_mentors from public, anon, authenticated;
