-- Says whether a text is an e-mail address to which SES can send: one address, its local part in ASCII. A view of an
-- adopter may hold any text.
-- Called by: private.contact_of, list_unreachable_mentors.

create or replace function private.is_address(p_text text)
returns boolean
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(
        length(p_text) <= 254
        and p_text ~ '^[A-Za-z0-9!#$%&''*+/=?^_`{|}~.-]{1,64}@([^][:space:][:cntrl:][:punct:]]|[.-])+\.[^][:space:][:cntrl:][:punct:][:digit:]]{2,}$'
        and p_text !~ '(^\.|\.@|\.\.|@[.-]|[.-]\.)',
        false
    )
$$;
comment on function private.is_address is 'True for one e-mail address to which SES can send.';
revoke execute on function private.is_address from public, anon, authenticated;
