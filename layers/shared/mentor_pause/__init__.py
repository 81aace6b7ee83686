"""Shared by every Lambda of mentor-pause and by its command line.

Rules live in `jobs`, `events`, `runs` and `retry` and import no client. `ledger`, `queues`, `bus`
and `supabase` are the doors to DynamoDB, SQS, EventBridge and the database; `pages` and
`completion` put them together for every job.
"""

import logging

# Lambda lets every logger write into our log. At DEBUG these write whole answers there, secrets too
# (E12), and httpx at INFO every address, with the portal's keys of mentors in it (E13).
for _talkative in ("boto3", "botocore", "urllib3", "httpx", "httpcore"):
    logging.getLogger(_talkative).setLevel(logging.WARNING)
