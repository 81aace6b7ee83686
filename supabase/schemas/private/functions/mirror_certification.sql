-- Brings one certification in line with its row in the portal (H1). If the portal gives it to another mentor
-- or another day, so does this function. If the portal's row belongs to none of our mentors, it deletes the
-- certification.
-- Called by: mirror_portal_certifications.
-- Locks: the certification; for a moment the mentors, against deletion.
-- Errors: 22023 a value is out of bounds.

create or replace function private.mirror_certification(
    p_mentor_id uuid, p_portal_id text, p_expires_on date, p_modified_on timestamptz, p_job_run_id uuid
)
returns text
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform private.record_portal_change(c.mentor_id) from public.certifications as c where c.portal_id = p_portal_id;
    perform private.record_earlier_day(p_portal_id, p_mentor_id, p_expires_on, p_job_run_id);
    if p_mentor_id is null then
        delete from public.certifications as c where c.portal_id = p_portal_id;
        return 'removed';
    end if;
    perform private.assert_between('length of the portal''s id', coalesce(length(p_portal_id), 0), 1, 200);
    perform private.assert_between('p_expires_on', p_expires_on, date '0001-01-01', date '9999-12-31');
    perform private.record_portal_change(p_mentor_id);
    insert into public.certifications as c (mentor_id, expires_on, portal_id, portal_modified_on, seen_by_run_id) values (
        p_mentor_id,
        p_expires_on,
        p_portal_id,
        least(greatest(p_modified_on, timestamptz '1900-01-01 00:00+00'), timestamptz '2999-12-31 00:00+00'),
        p_job_run_id
    )
    on conflict (portal_id) do update set
        mentor_id = excluded.mentor_id,
        expires_on = excluded.expires_on,
        portal_modified_on = excluded.portal_modified_on,
        seen_by_run_id = excluded.seen_by_run_id;
    return 'recorded';
end
$$;
comment on function private.mirror_certification is
'Brings one certification in line with the portal; returns recorded, or removed if p_mentor_id is null.';
revoke execute on function private.mirror_certification from public, anon, authenticated;
