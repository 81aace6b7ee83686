-- One keyset page of the runs and of the run requests (C4), newest first; p_before is the last id of the page before. Who sees
-- what is explained in private.shown_checks.
-- Called by: the console, for members.
-- Errors: PT403 not_a_member, 22023 p_limit is out of bounds.

create or replace function public.list_checks(
    p_org_id uuid, p_before bigint default null, p_limit integer default 30
)
returns table (
    id bigint,
    job_run_id uuid,
    job_name text,
    status text,
    trigger text,
    by text,
    as_of date,
    dry_run boolean,
    started_at timestamptz,
    finished_at timestamptz,
    processed_count integer,
    paused_count integer,
    resumed_count integer,
    synced_count integer,
    skipped_count integer,
    error_count integer,
    unforeseen_count integer,
    held_count integer,
    renewed_count integer,
    redrive_of uuid,
    plan_of uuid,
    withdraws uuid,
    error text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform private.assert_member(p_org_id);
    perform private.assert_limit(p_limit);
    return query select * from private.shown_checks(p_org_id, null, p_before, p_limit);
end
$$;
comment on function public.list_checks is
'One page of the runs and of the run requests, as the caller sees them, newest first.';
revoke execute on function public.list_checks from public, anon, authenticated, service_role;
grant execute on function public.list_checks to authenticated;
