"""Lets people and machines start runs and look at them (API Gateway)."""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from api.callers import Authenticate
from api.door import Answer, Door
from api.runs import Runs
from api.tokens import SigningKeys, Tokens
from mentor_pause import aws, config
from mentor_pause.dispatching import Dispatcher
from mentor_pause.retry import Retry
from mentor_pause.supabase import connect
from mentor_pause.web import fetch_json

PATIENCE_SECONDS = 15.0
"""For the dispatcher. API Gateway waits for 29 s in all, and the project's keys and the database
may have taken some of them."""

RETRY = Retry(attempts=2)
"""For a connection that was lost while nobody asked."""

logger = Logger()


@cache
def _settings() -> config.HttpSettings:
    return config.HttpSettings.load()


@cache
def _keys() -> SigningKeys:
    url = f"{_settings().auth_url}/.well-known/jwks.json"
    return SigningKeys(lambda: fetch_json(url), time.monotonic)


_read_secret = cache(aws.secret_reader)


def _authenticate() -> Authenticate:
    secrets = config.load_http_secrets(_settings().api_secret_id, _read_secret())
    legacy = secrets.supabase_jwt_secret
    tokens = Tokens(_settings().auth_url, _keys(), legacy.get_secret_value() if legacy else None)
    machines = (secrets.scheduler_secret, secrets.scheduler_secret_previous)
    return Authenticate([s.get_secret_value() for s in machines if s], tokens.user_of)


@cache
def _runs() -> Runs:
    org, ledger = config.OrgSettings.load(), aws.open_ledger(config.LedgerSettings.load())
    dispatcher = Dispatcher(aws.lambda_client(PATIENCE_SECONDS), _settings().dispatcher_function)
    database = connect(config.load_api_database(aws.read_secret))
    return Runs(org, database, ledger, dispatcher, RETRY)


@logger.inject_lambda_context(clear_state=True, log_event=False)  # it has credentials in it
def handler(event: dict[str, Any], context: LambdaContext) -> Answer:
    """Answer one request."""
    return Door(_authenticate, _runs, logger)(event, context)
