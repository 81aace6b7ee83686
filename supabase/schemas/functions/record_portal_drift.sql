-- Replaces what is known of the differences between the portal and the database (H5, C4). Of each difference it keeps the kind,
-- the mentor, both states and the time, and nothing else: a key of the portal may be a name. A measurement that is older than
-- the stored one changes nothing.
-- Called by: the measurement of the drift, which logs in as portal_sync.
-- Locks: the organisation's row.
-- Errors: 42501 not_your_organisation; 22023 an argument is missing or out of bounds, or there are more than 1000 differences.

create or replace function public.record_portal_drift(p_org_id uuid, p_measured_at timestamptz, p_differing_count integer, p_differences jsonb)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
begin
    perform private.assert_job_org(p_org_id);
    perform private.assert_timestamp('p_measured_at', p_measured_at);
    perform private.assert_between('p_differing_count', p_differing_count, 0, 10000000);
    if p_measured_at is null or p_differing_count is null or jsonb_typeof(p_differences) is distinct from 'array' then
        raise exception 'an argument is missing' using errcode = '22023', detail = 'p_differences is an array of objects';
    end if;
    perform private.assert_between('number of p_differences', jsonb_array_length(p_differences), 0, 1000);
    insert into public.portal_differences as d (org_id, measured_at, differing_count, differences)
    select p_org_id, p_measured_at, p_differing_count, coalesce((
        select jsonb_agg(jsonb_build_object(
            'kind', left(x.kind, 50), 'mentor_id', x.mentor_id, 'here', left(x.here, 50), 'there', left(x.there, 50),
            'since', x.since
        ) order by e.place)
        from jsonb_array_elements(p_differences) with ordinality as e (entry, place)
        cross join lateral jsonb_to_record(e.entry) as x (kind text, mentor_id uuid, here text, there text, since timestamptz)
    ), '[]')
    on conflict (org_id) do update
        set
            measured_at = excluded.measured_at, differing_count = excluded.differing_count,
            differences = excluded.differences
        where excluded.measured_at >= d.measured_at;
    return found;
end
$$;
comment on function public.record_portal_drift is
'Replaces the stored differences between the portal and the database; false: a newer measurement is stored.';
revoke execute on function public.record_portal_drift from public, anon, authenticated;
grant execute on function public.record_portal_drift to service_role, portal_sync;
