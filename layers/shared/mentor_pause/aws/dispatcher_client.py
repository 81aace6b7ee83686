"""Invokes the dispatcher's function for the HTTP entry and the console."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from mentor_pause.aws.clients import lambda_client
from mentor_pause.aws.error_codes import error_code
from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.errors import DispatcherUnavailable
from mentor_pause.retry import OutOfTime, call_within

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

DISPATCHER_SECONDS = 15.0
"""The wait for the dispatcher's answer. Reading the project's keys and the database may have taken
some seconds before."""

CONNECT_SECONDS = 4.0
"""The wait for a connection to the dispatcher's function. A request that was sent and got no answer
within `DISPATCHER_SECONDS` counts as delivered."""

_LARGEST = 65_536
"""Bytes of an answer; the dispatcher's answers have some hundreds."""


@dataclass(frozen=True, slots=True)
class DispatcherClient:
    """Calls the dispatcher's function, which `function` names."""

    client: "LambdaClient"
    function: str
    longest: float
    """Seconds for a whole call; more than the time for which the client waits for an answer."""

    def __call__(self, request: DispatchRequest) -> dict[str, str] | None:
        """Return the dispatcher's answer; None: it got the request and no answer came in time.

        A failed call is not repeated, because the dispatcher would take it for a second delivery.

        Raises:
            DispatcherUnavailable: the call failed, or the dispatcher crashed. The run may have
                begun.
        """
        payload = request.model_dump_json(exclude_none=True).encode()
        try:
            answer: object = json.loads(call_within(self.longest, lambda: self._invoke(payload)))
        except ReadTimeoutError:
            return None
        except OutOfTime as error:
            raise DispatcherUnavailable("the dispatcher could not be reached in time") from error
        except (ClientError, BotoCoreError, ValueError, RecursionError) as error:
            raise DispatcherUnavailable(
                f"the dispatcher could not be called: {error_code(error)}"
            ) from error
        if not _is_answer(answer):
            raise DispatcherUnavailable("the dispatcher's answer cannot be read")
        return cast("dict[str, str]", answer)

    def _invoke(self, payload: bytes) -> bytes:
        answer = self.client.invoke(FunctionName=self.function, Payload=payload)
        body = answer["Payload"].read(_LARGEST)
        if "FunctionError" in answer:
            raise DispatcherUnavailable("the dispatcher crashed")
        return body


def _is_answer(answer: object) -> bool:
    if not isinstance(answer, dict):
        return False
    return all(isinstance(value, str) for value in cast("dict[str, object]", answer).values())


def open_dispatcher(function: str) -> DispatcherClient:
    """Return a client of the dispatcher's function that answers while API Gateway waits."""
    client = lambda_client(DISPATCHER_SECONDS)
    return DispatcherClient(client, function, DISPATCHER_SECONDS + CONNECT_SECONDS)
