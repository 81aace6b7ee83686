-- A job role's session ends a transaction that stands idle, so that its row locks do not outlive a caller that
-- went away (R5), and waits for no lock longer than the functions do. They are defaults of the login: a login role that
-- inherits a job role needs them said for itself (docs/deployment.md).
-- Locks: none.

alter role mentor_pause_job set idle_in_transaction_session_timeout = '10s';
alter role portal_sync set idle_in_transaction_session_timeout = '10s';
alter role mentor_pause_api set idle_in_transaction_session_timeout = '10s';
alter role mentor_pause_job set lock_timeout = '3s';
alter role portal_sync set lock_timeout = '3s';
alter role mentor_pause_api set lock_timeout = '3s';
