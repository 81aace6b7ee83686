"""AWS clients as the Lambdas use them: short time-outs, bounded retries by the SDK."""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mentor_pause.config import LedgerSettings
from mentor_pause.dynamodb import Table
from mentor_pause.errors import ConfigurationError
from mentor_pause.ledger import Leases, Ledger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sqs import SQSClient

_CONFIG = Config(
    connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4}
)


def sqs_client() -> "SQSClient":
    """Return a client for SQS."""
    return boto3.client("sqs", config=_CONFIG)


def events_client() -> "EventBridgeClient":
    """Return a client for EventBridge."""
    return boto3.client("events", config=_CONFIG)


def open_ledger(settings: LedgerSettings) -> Ledger:
    """Return the ledger that the settings name."""
    client: DynamoDBClient = boto3.client("dynamodb", config=_CONFIG)
    leases = Leases(settings.dispatch_lease_seconds, settings.run_lease_seconds)
    return Ledger(Table(client, settings.ledger_table), leases)


def read_secret(secret_id: str) -> str:
    """Return the text of a secret in Secrets Manager.

    Raises:
        ConfigurationError: there is none of that name, or it may not be read.
    """
    try:
        client = boto3.client("secretsmanager", config=_CONFIG)
        return client.get_secret_value(SecretId=secret_id)["SecretString"]
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        raise ConfigurationError(f"the secret {secret_id} cannot be read: {code}") from error
    except BotoCoreError as error:
        raise ConfigurationError(
            f"the secret {secret_id} cannot be read: {type(error).__name__}"
        ) from error
