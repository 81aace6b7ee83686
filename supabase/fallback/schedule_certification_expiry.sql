-- Lets the database do the nightly job by itself at 02:15 UTC, whether or not anything outside it has fired
-- (O5). Run it once as postgres, in Supabase's SQL editor or with psql; again after a change: schedules are
-- replaced by name. Both may stay on together: whoever comes second finds nobody left to pause.
--
--   what it did    select * from cron.job_run_details order by start_time desc limit 5;
--   stop it        select cron.unschedule('certification-expiry-fallback');
--
-- It stops with an error where there is no organisation of that slug: the night must not pass silently.

create extension if not exists pg_cron;

select cron.schedule(
    'certification-expiry-fallback', '15 2 * * *',
    -- It is one transaction, and a time-out would take back all of it.
    $$set statement_timeout = 0;
    select status, processed_count, paused_count, error_count
    from public.run_certification_expiry((select id from public.organisations where slug = 'hlf'))$$
);

-- pg_cron keeps what it ran for ever unless somebody clears it.
select cron.schedule(
    'certification-expiry-fallback-history', '45 4 * * *',
    $$delete from cron.job_run_details where end_time < now() - interval '90 days'$$
);
