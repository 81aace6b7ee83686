"""Lets people and machines start runs and read them (API Gateway)."""

import time
from functools import cache

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from api.authentication import Authenticator
from api.handle_request import Answer, HttpRequestHandler
from api.runs import Runs
from api.tokens import SigningKeys, TokenVerifier
from mentor_pause import config
from mentor_pause.aws.dispatcher_client import open_dispatcher
from mentor_pause.aws.secrets import secret_reader
from mentor_pause.bootstrap import open_ledger
from mentor_pause.database.client import connect
from mentor_pause.database.jwks import fetch_jwks
from mentor_pause.errors import SettingsUnavailable
from mentor_pause.retry import OutOfTime, Retry, call_within, time_limit

RESERVE_SECONDS = 5.0
"""The answer goes out this long before Lambda's time-out of 29 s. API Gateway also waits for 29 s,
but counts the start of a new container among them."""

SECRET_SECONDS = 3.0

RETRY = Retry(attempts=2)
"""A second attempt, for a connection that broke while it was idle."""

logger = Logger()


@cache
def _settings() -> config.HttpSettings:
    return config.HttpSettings.load()


@cache
def _keys() -> SigningKeys:
    url = f"{_settings().auth_url}/.well-known/jwks.json"
    return SigningKeys(lambda: fetch_jwks(url), time.monotonic)


_open_secrets = cache(secret_reader)


def _read_secret(secret_id: str) -> str:
    try:
        return call_within(SECRET_SECONDS, lambda: _open_secrets()(secret_id))
    except OutOfTime as error:
        raise SettingsUnavailable("Secrets Manager did not answer in time") from error


def _open_authenticator() -> Authenticator:
    secrets = config.load_http_secrets(_settings().api_secret_id, _read_secret)
    legacy = secrets.supabase_jwt_secret
    verifier = TokenVerifier(
        _settings().auth_url, _keys(), legacy.get_secret_value() if legacy else None
    )
    machines = (secrets.scheduler_secret, secrets.scheduler_secret_previous)
    return Authenticator([s.get_secret_value() for s in machines if s], verifier.verify)


@cache
def _open_runs() -> Runs:
    org_id, ledger = config.OrgSettings.load().hlf_org_id, open_ledger()
    dispatcher = open_dispatcher(_settings().dispatcher_function)
    database = connect(config.load_api_database(_read_secret), RETRY)
    return Runs(org_id, database, ledger, dispatcher, logger)


@logger.inject_lambda_context(clear_state=True, log_event=False)  # the event holds credentials
def handler(event: object, context: LambdaContext) -> Answer:
    """Answer one HTTP request."""
    with time_limit(context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS):
        return HttpRequestHandler(_open_authenticator, _open_runs, logger)(event, context)
