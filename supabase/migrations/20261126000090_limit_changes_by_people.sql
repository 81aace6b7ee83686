-- How often one person may change one mentor (R5): the history is append-only, so what fills it stays. Per person, so
-- that a mentor who toggles does not keep their coordinator from pausing them. Jobs and services are not limited.
-- Locks: none. Called by: update_mentor_status, under the mentor's row lock. Errors: PT429 too_many_changes.

create function private.changes_per_hour()
returns integer
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select 20
$$;
comment on function private.changes_per_hour is 'How many times an hour one person may change one mentor''s status.';
revoke execute on function private.changes_per_hour from public, anon, authenticated;

create function private.assert_not_too_often(p_mentor_id uuid, p_person uuid)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_person is null then
        return;
    end if;
    if (
        select count(*) from public.peer_mentor_status_history as h
        where h.mentor_id = p_mentor_id and h.changed_by = p_person
            and h.changed_at > clock_timestamp() - interval '1 hour'
    ) >= private.changes_per_hour() then
        raise exception 'too many changes' using errcode = 'PT429', hint = 'too_many_changes',
            detail = format(
                'you have changed this mentor %s times within an hour; try again later', private.changes_per_hour()
            );
    end if;
end
$$;
comment on function private.assert_not_too_often is 'Fails when a person has changed a mentor too often within an hour.';
revoke execute on function private.assert_not_too_often from public, anon, authenticated;
