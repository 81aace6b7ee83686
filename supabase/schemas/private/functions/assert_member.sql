-- Makes sure that the signed-in person is a member of the organisation (C1), and returns the role. It answers alike if there
-- is no such organisation.
-- Called by: the functions of the console.
-- Errors: PT403 not_a_member.

create or replace function private.assert_member(p_org_id uuid)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_role constant text := private.my_role(p_org_id);
begin
    if v_role is null then
        raise exception 'not a member of the organisation' using errcode = 'PT403', hint = 'not_a_member',
            detail = 'ask an administrator of the organisation to make you a member';
    end if;
    return v_role;
end
$$;
comment on function private.assert_member is 'The caller''s role in the organisation; fails if the caller is no member.';
revoke execute on function private.assert_member from public, anon, authenticated;
