-- The collation of private.fold_key (H1, R4). In a database whose ctype is C, lower() folds ASCII letters only, so
-- two spellings of a key with a Norwegian letter would differ. Supabase's databases have the ctype C.UTF-8, and so
-- has this collation. A server offers it under one of three names. This file can be run again.

do $$
begin
    if current_setting('server_version_num')::integer >= 170000 then
        execute 'create collation if not exists private.folding (provider = builtin, locale = ''C.UTF-8'')';
    else
        begin
            execute 'create collation if not exists private.folding (provider = libc, locale = ''C.UTF-8'')';
        exception when others then  -- the operating system does not have it
            execute 'create collation if not exists private.folding (provider = icu, locale = ''und'')';
        end;
    end if;
end
$$;
comment on collation private.folding is 'Compares portal keys without regard to case.';
