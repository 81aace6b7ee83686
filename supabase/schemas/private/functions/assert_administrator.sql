-- Makes sure that the signed-in person administers the organisation (C1). It answers alike if there is no such organisation.
-- Called by: the functions of the console that are for administrators.
-- Errors: PT403 not_an_administrator.

create or replace function private.assert_administrator(p_org_id uuid)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if private.my_role(p_org_id) is distinct from 'admin' then
        raise exception 'not an administrator of the organisation' using errcode = 'PT403', hint = 'not_an_administrator',
            detail = 'ask an administrator of the organisation';
    end if;
end
$$;
comment on function private.assert_administrator is 'Fails unless the caller administers the organisation.';
revoke execute on function private.assert_administrator from public, anon, authenticated;
