-- Lets the job roles act for the first organisation of a database (R5), so that a database with one
-- organisation needs no further step. For another organisation an operator decides
-- (private.job_organisations).
-- Called by: the trigger grant_first_organisation of organisations.

create or replace function private.grant_first_organisation()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
begin
    if (select count(*) from public.organisations) = 1 and not exists (select from private.job_organisations) then
        insert into private.job_organisations (role_name, org_id)
        select role.name, o.id
        from public.organisations as o,
            unnest(array['mentor_pause_job', 'portal_sync', 'mentor_pause_api', 'mentor_pause_notifier']) as role (name);
    end if;
    return null;
end
$$;
comment on function private.grant_first_organisation is
'Lets the job roles act for the first organisation of a database; an operator decides about other organisations.';
revoke execute on function private.grant_first_organisation from public, anon, authenticated, service_role;
