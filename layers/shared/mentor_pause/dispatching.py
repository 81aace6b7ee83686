"""Calls the dispatcher's function, for whoever starts runs from outside AWS's schedules."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from mentor_pause.aws_errors import error_code
from mentor_pause.errors import DispatcherUnavailable
from mentor_pause.events import DispatchRequest

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """The dispatcher's function by its name."""

    client: "LambdaClient"
    function: str

    def __call__(self, request: DispatchRequest) -> dict[str, str] | None:
        """Return the dispatcher's answer; None: it was asked, and has not answered in time.

        Asking is not repeated here: the same request again would be a second delivery.

        Raises:
            DispatcherUnavailable: it could not be asked, or broke down over it.
        """
        payload = request.model_dump_json(exclude_none=True).encode()
        try:
            answer = self.client.invoke(FunctionName=self.function, Payload=payload)
            body: object = json.load(answer["Payload"])
        except ReadTimeoutError:
            return None
        except (ClientError, BotoCoreError, ValueError) as error:
            raise DispatcherUnavailable(
                f"the dispatcher was not asked: {error_code(error)}"
            ) from error
        if "FunctionError" in answer or not isinstance(body, dict):
            raise DispatcherUnavailable("the dispatcher broke down")
        return cast("dict[str, str]", body)
