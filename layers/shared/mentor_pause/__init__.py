"""Shared by every Lambda of mentor-pause and by its command line.

docs/architecture.md says what each room holds and what it may import.
"""

import logging

# Lambda writes the lines of every logger to the function's log. At DEBUG these loggers write whole
# answers, secrets too (E12).
for _talkative in ("boto3", "botocore", "urllib3"):
    logging.getLogger(_talkative).setLevel(logging.WARNING)
