-- Marks the caller's own messages as read (W3). It leaves out messages of other people, and those that were read before.
-- Called by: the app and the console, for people.
-- Errors: 22023 more than 500 ids.

create or replace function public.mark_messages_read(p_ids bigint [])
returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
declare
    v_count bigint;
begin
    perform private.assert_array_size('p_ids', cardinality(p_ids));
    update public.messages as m set read_at = clock_timestamp()
    where m.id = any(p_ids) and m.read_at is null
        and m.person_id in (select private.my_person_ids())
        and (m.audience = 'mentor' or m.org_id in (select private.my_memberships()));
    get diagnostics v_count = row_count;
    return v_count;
end
$$;
comment on function public.mark_messages_read is 'Marks the caller''s own messages as read; returns how many.';
revoke execute on function public.mark_messages_read from public, anon, authenticated, service_role;
grant execute on function public.mark_messages_read to authenticated;
