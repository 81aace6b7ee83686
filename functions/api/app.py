"""Lets people and machines start runs and look at them (API Gateway)."""

import time
from functools import cache

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from api.callers import Authenticate
from api.door import Answer, Door
from api.runs import Runs
from api.tokens import SigningKeys, Tokens
from mentor_pause import config
from mentor_pause.aws import clients
from mentor_pause.aws.dispatcher import Dispatcher
from mentor_pause.aws.secrets import secret_reader
from mentor_pause.bootstrap import open_ledger
from mentor_pause.database.client import connect
from mentor_pause.database.documents import fetch_json
from mentor_pause.errors import SettingsUnavailable
from mentor_pause.retry import OutOfTime, Retry, call_within, time_limit

RESERVE_SECONDS = 5.0
"""API Gateway waits for 29 s in all, and counts the start of a new container among them; so this
much of Lambda's own 29 s is left over when the answer goes out."""

SECRET_SECONDS = 3.0

PATIENCE_SECONDS = 15.0
"""For the dispatcher's answer; the project's keys and the database may have taken some seconds."""

CONNECTING_SECONDS = 4.0
"""For reaching the dispatcher's function. Then a silence of `PATIENCE_SECONDS` is an answer: it was
asked."""

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


_open_secrets = cache(secret_reader)


def _read_secret(secret_id: str) -> str:
    try:
        return call_within(SECRET_SECONDS, lambda: _open_secrets()(secret_id))
    except OutOfTime as error:
        raise SettingsUnavailable("Secrets Manager did not answer in time") from error


def _authenticate() -> Authenticate:
    secrets = config.load_http_secrets(_settings().api_secret_id, _read_secret)
    legacy = secrets.supabase_jwt_secret
    tokens = Tokens(_settings().auth_url, _keys(), legacy.get_secret_value() if legacy else None)
    machines = (secrets.scheduler_secret, secrets.scheduler_secret_previous)
    return Authenticate([s.get_secret_value() for s in machines if s], tokens.user_of)


@cache
def _runs() -> Runs:
    org, ledger = config.OrgSettings.load(), open_ledger()
    client = clients.lambda_client(PATIENCE_SECONDS)
    longest = PATIENCE_SECONDS + CONNECTING_SECONDS
    dispatcher = Dispatcher(client, _settings().dispatcher_function, longest)
    database = connect(config.load_api_database(_read_secret))
    return Runs(org, database, ledger, dispatcher, RETRY, logger)


@logger.inject_lambda_context(clear_state=True, log_event=False)  # it has credentials in it
def handler(event: object, context: LambdaContext) -> Answer:
    """Answer one request, or say of an event that it is not one."""
    with time_limit(context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS):
        return Door(_authenticate, _runs, logger)(event, context)
