"""Reads secrets (Secrets Manager) and parameters (Parameter Store)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mentor_pause.aws.clients import with_deadline
from mentor_pause.aws.error_codes import error_code
from mentor_pause.config import short_name
from mentor_pause.errors import ConfigurationError, SettingsUnavailable

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import BaseProvider
    from mypy_boto3_ssm import SSMClient

_CONFIG = Config(
    connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4}
)
"""The SDK retries here, because the readers below have no other retry."""

_CALL_SECONDS = 10.0
"""The deadline of one call with all its retries."""

_PARAMETER_SECONDS = 30
_SECRET_SECONDS = 300
_REFUSED = frozenset(
    {
        "AccessDenied", "AccessDeniedException", "ParameterNotFound", "ResourceNotFoundException",
        "InvalidRequestException", "DecryptionFailure", "ValidationException",
    }
)  # fmt: skip
"""Codes of failures that last until an operator repairs the cause."""


def read_secret(secret_id: str) -> str:
    """Return the text of a secret in Secrets Manager.

    Raises:
        ConfigurationError: the secret does not exist, or this role may not read it.
        SettingsUnavailable: Secrets Manager did not answer.
    """
    try:
        client = with_deadline(boto3.client("secretsmanager", config=_CONFIG), _CALL_SECONDS)
        return client.get_secret_value(SecretId=secret_id)["SecretString"]
    except (ClientError, BotoCoreError) as error:
        raise _unread(f"the secret {short_name(secret_id)}", error) from error


def secret_reader() -> Callable[[str], str]:
    """Return a function that reads secrets and caches each for five minutes.

    After a rotation it therefore returns the new secret within five minutes. It raises what
    `read_secret` raises.
    """
    from aws_lambda_powertools.utilities.parameters import (  # noqa: PLC0415 - where it is used
        SecretsProvider,
    )

    client = with_deadline(boto3.client("secretsmanager", config=_CONFIG), _CALL_SECONDS)
    return _reader(SecretsProvider(boto3_client=client), "secret", _SECRET_SECONDS)


def parameter_reader(client: "SSMClient | None" = None) -> Callable[[str], str]:
    """Return a function that reads parameters and caches each for half a minute.

    It raises what `read_secret` raises.
    """
    from aws_lambda_powertools.utilities.parameters import (  # noqa: PLC0415 - where it is used
        SSMProvider,
    )

    client = client or boto3.client("ssm", config=_CONFIG)
    provider = SSMProvider(boto3_client=with_deadline(client, _CALL_SECONDS))
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
