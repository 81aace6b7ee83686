"""Calls the dispatcher's function for callers that start runs outside AWS's schedules."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from mentor_pause.aws.error_codes import error_code
from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.errors import DispatcherUnavailable
from mentor_pause.retry import OutOfTime, call_within

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_LARGEST = 65_536
"""Bytes of an answer; the dispatcher's have some hundreds."""


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """The dispatcher's function by its name."""

    client: "LambdaClient"
    function: str
    longest: float
    """Seconds that a call may take in all; more than the client's own time-out for an answer."""

    def __call__(self, request: DispatchRequest) -> dict[str, str] | None:
        """Return the dispatcher's answer; None: it was asked, and has not answered in time.

        Asking is not repeated here: the same request again would be a second delivery.

        Raises:
            DispatcherUnavailable: it could not be asked, or broke down over it. Whether the run
                has begun is not known.
        """
        payload = request.model_dump_json(exclude_none=True).encode()
        try:
            answer: object = json.loads(call_within(self.longest, lambda: self._ask(payload)))
        except ReadTimeoutError:
            return None
        except OutOfTime as error:
            raise DispatcherUnavailable("the dispatcher was not reached in time") from error
        except (ClientError, BotoCoreError, ValueError, RecursionError) as error:
            raise DispatcherUnavailable(
                f"the dispatcher was not asked: {error_code(error)}"
            ) from error
        if not _is_answer(answer):
            raise DispatcherUnavailable("the dispatcher's answer makes no sense")
        return cast("dict[str, str]", answer)

    def _ask(self, payload: bytes) -> bytes:
        answer = self.client.invoke(FunctionName=self.function, Payload=payload)
        body = answer["Payload"].read(_LARGEST)
        if "FunctionError" in answer:
            raise DispatcherUnavailable("the dispatcher broke down")
        return body


def _is_answer(answer: object) -> bool:
    if not isinstance(answer, dict):
        return False
    return all(isinstance(value, str) for value in cast("dict[str, object]", answer).values())
