"""AWS clients as the Lambdas use them: short time-outs, bounded retries by the SDK, and a deadline.

The SDK's time-outs limit single reads, and its retries add up. So every call has a deadline of its
own as well, which is never later than the end of the invocation (R2).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from mentor_pause.aws_errors import error_code
from mentor_pause.config import LedgerSettings, short_name
from mentor_pause.deadline import OutOfTime, call_within
from mentor_pause.dynamodb import Table
from mentor_pause.errors import ConfigurationError, SettingsUnavailable
from mentor_pause.ledger import Leases, Ledger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import BaseProvider
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

_CONFIG = Config(
    connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4}
)
_CALL_SECONDS = 10.0
"""For one call with all its retries."""

_PARAMETER_SECONDS = 30
_SECRET_SECONDS = 300
_REFUSED = frozenset(
    {
        "AccessDenied", "AccessDeniedException", "ParameterNotFound", "ResourceNotFoundException",
        "InvalidRequestException", "DecryptionFailure", "ValidationException",
    }
)  # fmt: skip
"""Codes that will not pass by themselves."""


class _Bounded:
    """Stands before a client; a call that has no answer in time raises the SDK's own time-out."""

    def __init__(self, client: object, seconds: float) -> None:
        self._client = client
        self._seconds = seconds

    def __getattr__(self, name: str) -> object:
        found = getattr(self._client, name)
        if not callable(found):
            return found

        def call(*args: object, **kwargs: object) -> object:
            try:
                return call_within(self._seconds, lambda: found(*args, **kwargs))
            except OutOfTime as error:
                raise ReadTimeoutError(endpoint_url=name) from error

        return call


def bounded[T](client: T, seconds: float = _CALL_SECONDS) -> T:
    """Return the client with a deadline for each of its calls."""
    return cast("T", _Bounded(client, seconds))


def sqs_client() -> "SQSClient":
    """Return a client for SQS."""
    return bounded(boto3.client("sqs", config=_CONFIG))


def events_client() -> "EventBridgeClient":
    """Return a client for EventBridge."""
    return bounded(boto3.client("events", config=_CONFIG))


def lambda_client(patience: float) -> "LambdaClient":
    """Return a client for Lambda that waits so many seconds for an answer, and asks once.

    `Dispatcher` bounds its calls.
    """
    once = Config(
        connect_timeout=3,
        read_timeout=patience,
        retries={"mode": "standard", "total_max_attempts": 1},
    )
    return boto3.client("lambda", config=once)


def open_ledger(settings: LedgerSettings) -> Ledger:
    """Return the ledger that the settings name."""
    client: DynamoDBClient = bounded(boto3.client("dynamodb", config=_CONFIG))
    leases = Leases(settings.dispatch_lease_seconds, settings.run_lease_seconds)
    return Ledger(Table(client, settings.ledger_table), leases)


def read_secret(secret_id: str) -> str:
    """Return the text of a secret in Secrets Manager.

    Raises:
        ConfigurationError: there is none of that name, or it may not be read.
        SettingsUnavailable: it cannot be read now.
    """
    try:
        client = bounded(boto3.client("secretsmanager", config=_CONFIG))
        return client.get_secret_value(SecretId=secret_id)["SecretString"]
    except (ClientError, BotoCoreError) as error:
        raise _unread(f"the secret {short_name(secret_id)}", error) from error


def secret_reader() -> Callable[[str], str]:
    """Return what reads secrets, each anew after five minutes, so that a rotation is noticed.

    It raises what `read_secret` raises.
    """
    from aws_lambda_powertools.utilities.parameters import (  # noqa: PLC0415 - where it is used
        SecretsProvider,
    )

    client = bounded(boto3.client("secretsmanager", config=_CONFIG))
    return _reader(SecretsProvider(boto3_client=client), "secret", _SECRET_SECONDS)


def parameter_reader(client: "SSMClient | None" = None) -> Callable[[str], str]:
    """Return what reads parameters of the Parameter Store, each anew after half a minute.

    It raises what `read_secret` raises.
    """
    from aws_lambda_powertools.utilities.parameters import (  # noqa: PLC0415 - where it is used
        SSMProvider,
    )

    client = client or boto3.client("ssm", config=_CONFIG)
    provider = SSMProvider(boto3_client=bounded(client))
    return _reader(provider, "parameter", _PARAMETER_SECONDS)


def _reader(provider: "BaseProvider", what: str, seconds: int) -> Callable[[str], str]:
    from aws_lambda_powertools.utilities.parameters import (  # noqa: PLC0415 - where it is used
        GetParameterError,
    )

    def read(name: str) -> str:
        try:
            value = cast("object", provider.get(name, max_age=seconds))
        except GetParameterError as error:
            raise _unread(f"the {what} {short_name(name)}", error.__context__) from error
        return str(value)

    return read


def _unread(what: str, error: BaseException | None) -> ConfigurationError | SettingsUnavailable:
    code = error_code(error) if isinstance(error, Exception) else "no reason given"
    kind = ConfigurationError if code in _REFUSED else SettingsUnavailable
    return kind(f"{what} cannot be read: {code}")
