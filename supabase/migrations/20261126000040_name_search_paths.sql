-- No temporary object of a caller is resolved in a function of ours (S4). With an empty search_path PostgreSQL looks into
-- the caller's temporary schema first for types and relations: `create domain pg_temp.jsonb` with a check of the caller's
-- own ran as the owner. With pg_temp named last it does not. It must be so on every function, also on those
-- that are not definers, because a definer calls them. The functions that a later migration replaces say it there.
-- Locks: none.

alter function private.org_today(uuid) set search_path = pg_catalog, pg_temp;
alter function private.coordinated_mentors(uuid) set search_path = pg_catalog, pg_temp;
alter function private.states_before(text) set search_path = pg_catalog, pg_temp;
alter function private.refuse_to_rewrite() set search_path = pg_catalog, pg_temp;
alter function private.read_portal_anew() set search_path = pg_catalog, pg_temp;
alter function public.forget_portal_sync(uuid, uuid) set search_path = pg_catalog, pg_temp;
