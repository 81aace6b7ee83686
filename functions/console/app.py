"""Shows people the pages of the console (API Gateway)."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from mentor_pause import config

NOT_SHOWN = "page not shown"
"""The log line of every answer with a status of 500 or more; ConsoleErrorsAlarm counts it."""

_PAGE = '<!doctype html><html lang="en"><title>Console</title><h1>Console</h1>'
_HEADERS = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}

logger = Logger()


@logger.inject_lambda_context(clear_state=True, log_event=False)  # the event holds a session
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Answer one request with a page."""
    try:
        config.ConsoleSettings.load()
    except Exception:
        logger.exception(NOT_SHOWN)
        return {"statusCode": 500, "headers": _HEADERS, "body": _PAGE}
    headers: dict[str, str] = event.get("headers") or {}
    is_signed_in = "__Host-session=" in headers.get("Cookie", "")
    if event["path"].rstrip("/") == "/console" and not is_signed_in:
        return {"statusCode": 303, "headers": _HEADERS | {"Location": "console/sign-in"}}
    return {"statusCode": 200, "headers": _HEADERS, "body": _PAGE}
