"""Shows people the pages of the console (API Gateway)."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from console.handle_request import ConsoleRequestHandler
from console.render import PageRenderer
from console.runs import dispatch, list_errored
from console.visit import Site
from mentor_pause import config
from mentor_pause.database.person_client import Supabase
from mentor_pause.retry import time_limit

RESERVE_SECONDS = 3.0
"""The answer goes out this long before Lambda's time-out."""

logger = Logger()


@cache
def _site() -> Site:
    settings = config.ConsoleSettings.load()
    supabase = Supabase(settings.supabase_url, settings.supabase_publishable_key)
    org_id = config.OrgSettings.load().hlf_org_id
    return Site(org_id, supabase, cache(PageRenderer), dispatch, list_errored, logger)


@logger.inject_lambda_context(clear_state=True, log_event=False)  # the event holds a session
def handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Answer one request with a page."""
    with time_limit(context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS):
        return ConsoleRequestHandler(_site, logger)(event)
