-- The day that the portal was told (H1). Without it the day was computed anew at each reading from the organisation's
-- time zone. After a change of the zone, the portal and the database then disagreed for ever about mentors whose
-- status had not changed.
-- Rows that the sync wrote before have no such day; readers compute it for them.
-- Locks: the sync state, exclusively, for the moment that the definition takes.

alter table public.portal_sync_state add column effective_on date;
comment on column public.portal_sync_state.effective_on is
'The day of the change, as the portal was told it. Null: the writer did not say.';
