-- What a withdrawal of a run would do now (C4, G5): whom it would resume, and whom not, because they have changed since the run or
-- are still expired. Each list has at most 200 mentors in id order; its count includes them all. Null if there is no such run.
-- Called by: the console, for administrators.
-- Errors: PT403 not_an_administrator.

create or replace function public.preview_withdrawal(p_org_id uuid, p_job_run_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'
as $$
declare
    v_check record;
    v_today constant date := private.org_today(p_org_id);
    v_lists jsonb;
begin
    perform private.assert_administrator(p_org_id);
    select * into v_check from private.shown_checks(p_org_id, p_job_run_id, null, 1);
    if v_check.id is null then
        return null;
    end if;
    with paused as materialized (
        select
            m.id, k.display_name,
            coalesce(private.why_not_resumed(
                p_job_run_id, m.id, m.status,
                (select max(c.expires_on) from public.certifications as c where c.mentor_id = m.id), v_today
            ), 'resume') as list
        from public.peer_mentor_status_history as h
        inner join public.peer_mentors as m on m.id = h.mentor_id
        left join public.mentor_contacts as k on k.mentor_id = m.id
        where h.job_run_id = p_job_run_id and h.org_id = p_org_id and h.new_status = 'paused'
    ),

    placed as (
        select p.*, row_number() over (partition by p.list order by p.id) as place from paused as p
    ),

    lists as (
        select
            n.list, count(p.id) as count,
            coalesce(jsonb_agg(
                jsonb_build_object('mentor_id', p.id, 'display_name', p.display_name) order by p.id
            ) filter (where p.place <= 200), '[]') as mentors
        from (values ('resume'), ('changed_since'), ('still_expired')) as n (list)
        left join placed as p on p.list = n.list
        group by n.list
    )

    select jsonb_object_agg(l.list, jsonb_build_object('count', l.count, 'mentors', l.mentors)) into v_lists from lists as l;
    return v_lists || jsonb_build_object(
        'check', to_jsonb(v_check),
        'is_withdrawable', private.is_withdrawable(v_check.job_name, v_check.dry_run, v_check.status)
    );
end
$$;
comment on function public.preview_withdrawal is
'Whom a withdrawal of a run would resume, and whom not, as one JSON object; null if there is no such run.';
revoke execute on function public.preview_withdrawal from public, anon, authenticated, service_role;
grant execute on function public.preview_withdrawal to authenticated;
