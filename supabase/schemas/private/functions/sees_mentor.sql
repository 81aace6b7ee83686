-- Whether a person may see a mentor (S4): the mentor, a responsible coordinator, or an administrator of the organisation.
-- Called by: explain_mentor, list_plan, for the signed-in person or for the person whose token the HTTP entry has verified.

create or replace function private.sees_mentor(p_user_id uuid, p_mentor_id uuid, p_org_id uuid)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from public.peer_mentors as m
        where m.id = p_mentor_id and m.org_id = p_org_id and (
            m.user_id = p_user_id
            or m.id in (select private.coordinated_mentors(p_user_id, m.id, m.id))
            or exists (
                select from public.org_members as o
                where o.org_id = m.org_id and o.user_id = p_user_id and o.role = 'admin'
            )
        )
    )
$$;
comment on function private.sees_mentor is 'True if the person is the mentor, a responsible coordinator, or an administrator.';
revoke execute on function private.sees_mentor from public, anon, authenticated;
