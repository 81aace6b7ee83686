"""Shared by every Lambda of mentor-pause and by its command line.

Rules live in `jobs`, `events`, `runs` and `retry` and import no client. `ledger`, `queues`, `bus`
and `supabase` are the doors to DynamoDB, SQS, EventBridge and the database; `pages` and
`completion` put them together for every job.
"""
