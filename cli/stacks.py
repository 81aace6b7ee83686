"""The stack that a command works on: the local stack, or a deployed one by name."""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from cli.waiting import waiting
from local.errors import StackError
from mentor_pause.config import PortalSettings, load_database, load_portal
from mentor_pause.database.client import Database, connect
from mentor_pause.ledger.runs import Leases, Ledger
from mentor_pause.ledger.table import Table

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_ssm import SSMClient

# A dispatcher may take all of its 300 s. A repeated call would be a second delivery.
_CONFIG = Config(read_timeout=310, retries={"total_max_attempts": 1})
_NO_LEASES = Leases(0, 0)
_FUNCTION = "FunctionName"


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed template."""

    outputs: Mapping[str, str]
    session: boto3.Session
    endpoint_url: str | None
    connect: Callable[[], Database]
    portal_settings: Callable[[], PortalSettings]
    read_secret: Callable[[str], str]
    name: str | None = None
    """The value of `--stack`; None: the local stack."""

    def command(self, words: str) -> str:
        """Return a command for this stack that the user can type next."""
        return f"mentor-pause {words}" + (f" --stack {self.name}" if self.name else "")

    def database(self) -> closing[Database]:
        """Open the database for a `with` statement."""
        return closing(self.connect())

    @property
    def org_id(self) -> UUID:
        """The one organisation that the stack works for."""
        return UUID(self.outputs["HlfOrgId"])

    @property
    def sends_messages(self) -> bool:
        """Whether the stack has a sender for the messages to people."""
        return self.outputs.get("SendsMessages") == "yes"

    def lambdas(self) -> "LambdaClient":
        """Return a client for Lambda."""
        return self.session.client("lambda", endpoint_url=self.endpoint_url, config=_CONFIG)

    def events(self) -> "EventBridgeClient":
        """Return a client for EventBridge."""
        return self.session.client("events", endpoint_url=self.endpoint_url)

    def table(self) -> Table:
        """Return the ledger's table."""
        client = self.session.client("dynamodb", endpoint_url=self.endpoint_url)
        return Table(client, self.outputs["LedgerTableName"])

    def ledger(self) -> Ledger:
        """Return the run ledger, for reading only."""
        return Ledger(self.table(), _NO_LEASES)

    def parameters(self) -> "SSMClient":
        """Return a client for the Parameter Store."""
        return self.session.client("ssm", endpoint_url=self.endpoint_url)

    def invoke_dispatcher(self, event: Mapping[str, Any]) -> dict[str, str]:
        """Call the dispatcher and return its answer.

        Raises:
            StackError: the function raised an exception.
        """
        return self.invoke("Dispatcher", event)

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """Call a function by its name in the template and return its answer.

        Raises:
            StackError: the function raised an exception.
        """
        with waiting(f"waiting for the function {function} to answer"):
            answer = self.lambdas().invoke(
                FunctionName=self.outputs[function + _FUNCTION],
                Payload=json.dumps(event).encode(),
            )
        body = json.load(answer["Payload"])
        if "FunctionError" in answer:
            reason = body.get("errorMessage", "no reason given")
            raise StackError(f"{function} failed: {reason}; read its log: {self._log_of(function)}")
        return body

    def _log_of(self, function: str) -> str:
        if self.name is None:
            return read_local_log()
        return f"aws logs tail {self.outputs.get(f'{function}LogGroup', function)}"


def read_local_log() -> str:
    """Return the command that reads the logs of the local stack's functions."""
    from local.emulator import log
    from local.places import state_folder

    return f"tail -n 50 {log(state_folder())}"


def function_environments(stack: Stack) -> dict[str, dict[str, str]]:
    """Return the environment of each deployed function, by its name in the template."""
    lambdas = stack.lambdas()
    functions = {
        output.removesuffix(_FUNCTION): name
        for output, name in stack.outputs.items()
        if output.endswith(_FUNCTION)
    }
    return {
        function: dict(
            lambdas.get_function_configuration(FunctionName=name)["Environment"]["Variables"]  # pyright: ignore[reportTypedDictNotRequiredAccess]
        )
        for function, name in functions.items()
    }


def open_stack(name: str | None) -> Stack:
    """Return the deployed stack with that name, or the local stack.

    For a deployed stack, the environment names the database (`SUPABASE_DB_URL`, or `SUPABASE_URL`
    with `SUPABASE_SERVICE_ROLE_KEY`) and the portal (`PORTAL_URL` and so on).

    Raises:
        StackError: the stack does not exist.
    """
    return _local() if name is None else _deployed(name)


def _local() -> Stack:
    from local.deployment import PORTAL_SECRET, endpoint
    from local.emulator import REGION
    from local.stack import LocalStack

    local = LocalStack()
    state = local.require()
    session = boto3.Session("test", "test", region_name=REGION)
    url = {"SUPABASE_DB_URL": local.database_url()}
    address = endpoint(state.aws_port)

    def read_secret(secret_id: str) -> str:
        vault = session.client("secretsmanager", endpoint_url=address)
        return vault.get_secret_value(SecretId=secret_id)["SecretString"]

    return Stack(
        state.outputs,
        session,
        address,
        lambda: _connect(url),
        lambda: load_portal(PORTAL_SECRET, read_secret),
        read_secret,
    )


def _deployed(name: str) -> Stack:
    # boto3 reads only AWS_DEFAULT_REGION; other AWS clients also read AWS_REGION.
    session = boto3.Session(region_name=os.environ.get("AWS_REGION"))
    try:
        with waiting(f"waiting for AWS to describe the stack {name}"):
            (description,) = session.client("cloudformation").describe_stacks(StackName=name)[
                "Stacks"
            ]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ValidationError":
            raise
        raise StackError(_not_found(name, session.region_name)) from error
    outputs = {o["OutputKey"]: o["OutputValue"] for o in description.get("Outputs", [])}  # pyright: ignore[reportTypedDictNotRequiredAccess]
    if "DispatcherFunctionName" not in outputs:
        raise StackError(
            f"the stack {name} is not a mentor-pause stack; list the stacks:"
            " aws cloudformation list-stacks"
        )
    return Stack(
        outputs, session, None, lambda: _connect(os.environ), PortalSettings.load, _no_secret, name
    )


def _not_found(name: str, region: str | None) -> str:
    if os.environ.get("AWS_ENDPOINT_URL"):
        return (
            f"AWS_ENDPOINT_URL is set, for example by mentor-pause local env, and has no stack"
            f" {name}; to use AWS instead: unset AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID"
            " AWS_SECRET_ACCESS_KEY"
        )
    return (
        f"this account has no stack {name} in {region}; set AWS_REGION, or list the stacks:"
        " aws cloudformation list-stacks"
    )


def _no_secret(secret_id: str) -> str:
    raise StackError(f"the command line reads no secrets ({secret_id}); set SUPABASE_DB_URL")


def _connect(environ: Mapping[str, str]) -> Database:
    return connect(load_database(_no_secret, environ))
