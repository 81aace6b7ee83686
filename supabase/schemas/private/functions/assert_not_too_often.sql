-- Limits how often one person may change one mentor (R5), because the history is append-only and every change
-- stays. The limit is per person, so that a mentor who changes their status often does not keep their
-- coordinator from pausing them. Jobs and services have no limit.
-- Called by: update_mentor_status, under the mentor's row lock.
-- Errors: PT429 too_many_changes.

create or replace function private.assert_not_too_often(p_mentor_id uuid, p_person uuid)
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
comment on function private.assert_not_too_often is 'Fails if a person has changed a mentor too often within an hour.';
revoke execute on function private.assert_not_too_often from public, anon, authenticated;
