-- Two keys of the portal that differ in nothing but case are one (H1), whatever the database's locale is (R4). In a
-- database whose ctype is C, lower() folds ASCII letters only, so a key with a Norwegian letter was matched by neither index nor
-- look-up. Supabase's databases have the ctype C.UTF-8; so has the collation here, which this server offers under
-- one of three names.
-- Locks: the mentors, against writing, while the index is built.

do $$
begin
    if current_setting('server_version_num')::integer >= 170000 then
        execute 'create collation private.folding (provider = builtin, locale = ''C.UTF-8'')';
    else
        begin
            execute 'create collation private.folding (provider = libc, locale = ''C.UTF-8'')';
        exception when others then  -- the operating system does not have it
            execute 'create collation private.folding (provider = icu, locale = ''und'')';
        end;
    end if;
end
$$;
comment on collation private.folding is 'By which keys of the portal are compared without regard to case.';

create function private.fold_key(p_key text)
returns text
language sql
immutable
strict
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
    select lower(p_key collate private.folding) collate "C"
$$;
comment on function private.fold_key is 'A key of the portal in the spelling that look-ups compare.';
revoke execute on function private.fold_key from public, anon, authenticated;
-- A role that writes a mentor maintains the index. It finds the collation as the owner, since it has no usage of the schema.
grant execute on function private.fold_key to service_role;

drop index public.peer_mentors_portal_key_idx;
create unique index peer_mentors_portal_key_idx
on public.peer_mentors (org_id, private.fold_key(coalesce(portal_key, id::text)));
