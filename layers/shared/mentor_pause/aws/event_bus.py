"""Publishes completed runs on EventBridge (E11, H4)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from mentor_pause.aws.error_codes import error_code
from mentor_pause.domain.messages import RunCompleted
from mentor_pause.errors import EventBusUnavailable
from mentor_pause.retry import NO_RETRY, Retry

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE = "mentor-pause"
"""The beginning of every source; the stack's name follows, so that stages stay apart (0026)."""


@dataclass(frozen=True, slots=True)
class EventPublisher:
    """Publishes on one event bus."""

    client: "EventBridgeClient"
    bus_name: str
    source: str = SOURCE
    """The source that this stack's rules match."""
    retry: Retry = NO_RETRY

    def publish(self, event: RunCompleted) -> None:
        """Publish a `RunCompleted` event. Consumers recognise a repeated event by `job_run_id`.

        Raises:
            EventBusUnavailable: EventBridge did not accept the event.
        """
        self.retry(lambda: self._put(event))

    def _put(self, event: RunCompleted) -> None:
        try:
            answer = self.client.put_events(
                Entries=[
                    {
                        "EventBusName": self.bus_name,
                        "Source": self.source,
                        "DetailType": "RunCompleted",
                        "Detail": event.model_dump_json(),
                    }
                ]
            )
        except (ClientError, BotoCoreError) as error:
            raise EventBusUnavailable(
                f"EventBridge did not accept RunCompleted: {error_code(error)}"
            ) from error
        if answer["FailedEntryCount"]:
            raise EventBusUnavailable(
                f"EventBridge refused RunCompleted: {answer['Entries'][0].get('ErrorCode')}"
            )
