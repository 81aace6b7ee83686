-- Says whether the caller acts for an organisation (R5). Job roles act for the organisations in
-- private.job_organisations. If the role that logged in has rows there, only those count: it may switch to
-- the job role that it inherits, and that role may have other rows. People and services are not confined
-- here; policies confine people.
-- Called by: private.assert_job_org, begin_execution, private.notify_page.

create or replace function private.acts_for(p_org_id uuid)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select private.caller() in ('service', 'person') or exists (
        select from private.job_organisations as j
        where j.org_id = p_org_id
            and j.role_name = case
                when exists (select from private.job_organisations as own where own.role_name = session_user)
                    then session_user
                else coalesce(nullif(current_setting('role', true), 'none'), session_user)
            end
    )
$$;
comment on function private.acts_for is 'True if the caller is a person, a service, or a job role of this organisation.';
revoke execute on function private.acts_for from public, anon, authenticated;
