-- The hash by which digests remember an address without holding it.
-- Called by: begin_digest, private.why_unreachable.

create or replace function private.hash_address(p_email text)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select encode(sha256(convert_to(lower(p_email), 'UTF8')), 'hex')
$$;
comment on function private.hash_address is 'SHA-256 of an address in lower case, in hexadecimal digits.';
revoke execute on function private.hash_address from public, anon, authenticated;
