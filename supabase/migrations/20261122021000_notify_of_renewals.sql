-- notify_coordinators as it was (20261122001600), and of the certifications that a run of the portal sync
-- renewed; and for those who are responsible by the rule of private.coordinated_mentors: a coordinator who
-- is no member of the organisation any more is not told. A run pauses or renews, so there is one
-- notification per coordinator and run.
-- Locks: none beyond the new rows. Called by: whoever completes a run; repeated calls change nothing.

create or replace function public.notify_coordinators(p_job_run_id uuid)
returns bigint
language plpgsql
security definer
set search_path = ''
as $$
begin
    insert into public.coordinator_notifications (org_id, coordinator_id, job_run_id, kind, mentor_ids)
    select m.org_id, concerned.coordinator_id, p_job_run_id, news.kind, array_agg(m.id order by m.id)
    from (
        select h.mentor_id, 'paused' as kind
        from public.peer_mentor_status_history as h where h.job_run_id = p_job_run_id
        union
        select c.mentor_id, 'renewed'
        from public.certifications as c where c.job_run_id = p_job_run_id
    ) as news
    inner join public.peer_mentors as m on m.id = news.mentor_id
    cross join lateral (
        select a.coordinator_id
        from public.assignments as a
        where a.mentor_id = m.id and (a.ended_at is null or a.ended_at > clock_timestamp())
        union
        select cc.coordinator_id
        from public.coordinator_chapters as cc
        where cc.chapter_id = m.chapter_id
    ) as concerned
    inner join public.org_members as o on o.org_id = m.org_id and o.user_id = concerned.coordinator_id
    group by m.org_id, concerned.coordinator_id, news.kind
    on conflict (job_run_id, coordinator_id) do nothing;
    return (
        select count(*) from public.coordinator_notifications as n where n.job_run_id = p_job_run_id
    );
end
$$;
comment on function public.notify_coordinators is
'Writes one notification per coordinator and run; returns how many the run has.';
grant execute on function public.notify_coordinators to portal_sync;
