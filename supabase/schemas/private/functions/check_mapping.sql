-- The self-check for a project that maps its own tables onto ours (R6): one row for each mistake, or no row
-- if everything fits. It changes nothing. It reads everything, so only the owner may execute it.
--
--   level wrong   a night would fail, pause the wrong mentors, or show rows to the wrong people
--   level note    may be intended; look at it
--
-- It looks at rows only if tables and columns fit.
-- Called by: an adopter, before the mapping is committed and whenever in doubt (docs/adopting.md).
-- Locks: see private.check_triggers.

create or replace function private.check_mapping()
returns table (area text, level text, finding text, what_to_do text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_accounts constant regclass := to_regclass('auth.users');
    v_members text;
begin
    return query select t.* from private.check_tables() as t;
    if found then
        return query select g.* from private.check_guards() as g;
        return;
    end if;
    return query select t.* from private.check_rights() as t;
    return query select t.* from private.check_indexes() as t;
    return query select t.* from private.check_mentor_rows() as t;
    return query select t.* from private.check_coordinator_rows() as t;
    return query select t.* from private.check_adopted() as t;
    return query select t.* from private.check_triggers() as t;
    return query select t.* from private.check_guards() as t;
    if v_accounts is not null then
        execute format(
            'select string_agg(m.user_id::text, '', '') from (
                select o.user_id from public.org_members as o
                where not exists (select from %s as u where u.id = o.user_id) limit 3
            ) as m', v_accounts
        ) into v_members;
        if v_members is not null then
            return query select 'coordinators', 'note', format('members who are not in auth.users: %s', v_members),
                'nobody can sign in as them; map the column that holds the id of auth.users';
        end if;
    end if;
end
$$;
comment on function private.check_mapping is
'Mistakes in a project that maps its own tables: area, level (wrong or note), finding, what to do. No row: everything fits.';
revoke execute on function private.check_mapping from public, anon, authenticated;
