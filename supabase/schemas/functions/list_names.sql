-- The names of mentors (C2). It leaves out mentors whom the caller may not see, and ids of nobody.
-- Called by: the console, for people.
-- Errors: 22023 more than 500 ids.

create or replace function public.list_names(p_org_id uuid, p_mentor_ids uuid [])
returns table (mentor_id uuid, display_name text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_me constant uuid := private.user_id();
    v_is_admin constant boolean := private.my_role(p_org_id) is not distinct from 'admin';
begin
    perform private.assert_array_size('p_mentor_ids', cardinality(p_mentor_ids));
    return query
    select m.id, k.display_name
    from public.peer_mentors as m
    left join public.mentor_contacts as k on k.mentor_id = m.id
    where m.org_id = p_org_id and m.id = any(p_mentor_ids)
        and (v_is_admin or m.user_id = v_me or m.id in (select private.coordinated_mentors(v_me, m.id, m.id)))
    order by m.id;
end
$$;
comment on function public.list_names is
'The names of those of the given mentors whom the caller may see.';
revoke execute on function public.list_names from public, anon, authenticated, service_role;
grant execute on function public.list_names to authenticated;
