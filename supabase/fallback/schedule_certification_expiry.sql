-- Schedules the nightly job inside the database at 02:15 UTC, whether or not a trigger outside it has worked (O5). Run
-- this file as postgres, in Supabase's SQL editor or with psql, and run it again after a change: pg_cron replaces
-- schedules by name. The fallback and the Lambdas may both stay on: the second of the two finds no mentor to pause.
--
--   its last runs   select * from cron.job_run_details order by start_time desc limit 5;
--   stop it         select cron.unschedule(jobname) from cron.job where jobname like 'certification-expiry-fallback%';
--
-- The job fails if no organisation has that slug, so that nobody misses the mistake.

create extension if not exists pg_cron;

select cron.schedule(
    'certification-expiry-fallback', '15 2 * * *',
    $$select status, processed_count, paused_count, error_count
    from public.run_certification_expiry((select id from public.organisations where slug = 'hlf'))$$
);

-- One call takes at most 20 s and keeps the mentors that it has paused. Every ten minutes another call tries the mentors
-- that were locked, or left because time was up. If there are none it does not run, so that it does not fill the log.
select cron.schedule(
    'certification-expiry-fallback-rest', '25-55/10 2 * * *',
    $$select r.status, r.processed_count, r.paused_count, r.error_count
    from public.organisations as o, public.run_certification_expiry(o.id) as r
    where o.slug = 'hlf' and public.count_stale_active_mentors(o.id, (now() at time zone o.time_zone)::date) > 0$$
);

-- pg_cron keeps the record of each run for ever, so old records are deleted.
select cron.schedule(
    'certification-expiry-fallback-history', '45 4 * * *',
    $$delete from cron.job_run_details where end_time < now() - interval '90 days'$$
);
