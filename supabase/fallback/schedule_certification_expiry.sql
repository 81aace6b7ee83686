-- Lets the database do the nightly job by itself at 02:15 UTC, whether or not anything outside it has fired
-- (O5). Run it once as postgres, in Supabase's SQL editor or with psql; again after a change: schedules are
-- replaced by name. Both may stay on together: whoever comes second finds nobody left to pause.
--
--   what it did    select * from cron.job_run_details order by start_time desc limit 5;
--   stop it        select cron.unschedule(jobname) from cron.job where jobname like 'certification-expiry-fallback%';
--
-- It stops with an error where there is no organisation of that slug: the night must not pass silently.

create extension if not exists pg_cron;

select cron.schedule(
    'certification-expiry-fallback', '15 2 * * *',
    $$select status, processed_count, paused_count, error_count
    from public.run_certification_expiry((select id from public.organisations where slug = 'hlf'))$$
);

-- One call takes at most 20 s and keeps what it has paused. Mentors who were locked, or left because time was up,
-- are tried again every ten minutes; a call without any would only fill the log.
select cron.schedule(
    'certification-expiry-fallback-rest', '25-55/10 2 * * *',
    $$select r.status, r.processed_count, r.paused_count, r.error_count
    from public.organisations as o, public.run_certification_expiry(o.id) as r
    where o.slug = 'hlf' and public.count_stale_active_mentors(o.id, (now() at time zone o.time_zone)::date) > 0$$
);

-- pg_cron keeps what it ran for ever unless somebody clears it.
select cron.schedule(
    'certification-expiry-fallback-history', '45 4 * * *',
    $$delete from cron.job_run_details where end_time < now() - interval '90 days'$$
);
