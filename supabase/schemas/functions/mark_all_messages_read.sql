-- Marks the caller's own messages up to an id as read (W3, C2): those that the page showed, and not one that came meanwhile. It
-- leaves out messages of other people, and those that were read before.
-- Called by: the console, for people.
-- Errors: none.

create or replace function public.mark_all_messages_read(p_up_to bigint)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
declare
    v_count integer;
begin
    update public.messages as m set read_at = clock_timestamp()
    where m.id <= p_up_to and m.read_at is null
        and m.person_id in (select private.my_person_ids())
        and (m.audience = 'mentor' or m.org_id in (select private.my_memberships()));
    get diagnostics v_count = row_count;
    return v_count;
end
$$;
comment on function public.mark_all_messages_read is
'Marks the caller''s own messages up to an id as read; returns how many.';
revoke execute on function public.mark_all_messages_read from public, anon, authenticated, service_role;
grant execute on function public.mark_all_messages_read to authenticated;
