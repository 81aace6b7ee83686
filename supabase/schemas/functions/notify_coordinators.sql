-- Notifies each responsible coordinator, once per run, of the mentors that the run paused or renewed (E11,
-- H1). It reads the history and the certifications, so the notification says what happened. Responsible means
-- the rule of private.coordinated_mentors: by assignment or by chapter, and as a member of the organisation.
-- A run either pauses or renews.
--
-- A worker may pause mentors after their page had already been marked as failed and the run had ended. Then
-- the coordinator's notification grows: there is still one per coordinator and run, and created_at is the
-- time of the last addition.
-- Called by: the completion of a run; a worker that finishes after its run has ended. Repeated calls change
-- nothing.
-- Locks: the coordinators' rows of this run, if they grow.

create or replace function public.notify_coordinators(p_job_run_id uuid)
returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform private.run_org(p_job_run_id);
    insert into public.coordinator_notifications as n (org_id, coordinator_id, job_run_id, kind, mentor_ids)
    select m.org_id, responsible.coordinator_id, p_job_run_id, min(news.kind), array_agg(distinct m.id order by m.id)
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
    ) as responsible
    inner join public.org_members as o on o.org_id = m.org_id and o.user_id = responsible.coordinator_id
    where m.org_id in (select orgs.id from public.organisations as orgs where private.acts_for(orgs.id))
    group by m.org_id, responsible.coordinator_id
    on conflict (job_run_id, coordinator_id) do update
        set
            mentor_ids = (
                select array_agg(distinct both_lists.id order by both_lists.id)
                from unnest(n.mentor_ids || excluded.mentor_ids) as both_lists (id)
            ),
            created_at = clock_timestamp()
        where not n.mentor_ids @> excluded.mentor_ids;
    return (
        select count(*) from public.coordinator_notifications as n where n.job_run_id = p_job_run_id
    );
end
$$;
comment on function public.notify_coordinators is
'Writes one notification per coordinator and run, or adds mentors to it; returns how many the run has.';
revoke execute on function public.notify_coordinators from public, anon, authenticated;
grant execute on function public.notify_coordinators to service_role, mentor_pause_job, portal_sync;
