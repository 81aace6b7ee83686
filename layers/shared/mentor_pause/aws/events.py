"""Announces completed runs on EventBridge (E11, H4)."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from mentor_pause.aws.error_codes import error_code
from mentor_pause.domain.messages import RunCompleted
from mentor_pause.errors import BusUnavailable

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE = "mentor-pause"
"""What every source begins with; the stack's name follows, so that stages do not mix (0026)."""


class Bus:
    """An event bus by name."""

    def __init__(self, client: "EventBridgeClient", name: str, source: str = SOURCE) -> None:
        """`client` is an EventBridge client; `source` is what this stack's rules match."""
        self._client = client
        self._name = name
        self._source = source

    def announce(self, event: RunCompleted) -> None:
        """Put a `RunCompleted` event on the bus; whoever listens tells repetitions by `job_run_id`.

        Raises:
            BusUnavailable: the bus did not take it.
        """
        try:
            answer = self._client.put_events(
                Entries=[
                    {
                        "EventBusName": self._name,
                        "Source": self._source,
                        "DetailType": "RunCompleted",
                        "Detail": event.model_dump_json(),
                    }
                ]
            )
        except (ClientError, BotoCoreError) as error:
            raise BusUnavailable(
                f"EventBridge did not take RunCompleted: {error_code(error)}"
            ) from error
        if answer["FailedEntryCount"]:
            raise BusUnavailable(
                f"EventBridge refused RunCompleted: {answer['Entries'][0].get('ErrorCode')}"
            )
