-- Whether a run with these columns of the execution log can be withdrawn (G5): it is a certification expiry run, no dry run, and
-- it has ended.
-- Called by: private.assert_withdrawable, get_check, preview_withdrawal.

create or replace function private.is_withdrawable(p_job_name text, p_dry_run boolean, p_status text)
returns boolean
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select p_job_name = 'certification_expiry' and not p_dry_run and p_status in ('completed', 'failed')
$$;
comment on function private.is_withdrawable is 'True if a run can be withdrawn.';
revoke execute on function private.is_withdrawable from public, anon, authenticated;
