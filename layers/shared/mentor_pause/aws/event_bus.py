"""Publishes events on EventBridge: completed runs (E11, H4), and messages that are left (W3)."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from uuid import UUID

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
        self.retry(lambda: self._put("RunCompleted", event.model_dump_json()))

    def publish_messages_left(self, org_id: UUID, sent: int) -> None:
        """Publish a `MessagesLeft` event: the notifier's time ran short, and more are due.

        Raises:
            EventBusUnavailable: EventBridge did not accept the event.
        """
        detail = json.dumps({"org_id": str(org_id), "sent_count": sent})
        self.retry(lambda: self._put("MessagesLeft", detail))

    def _put(self, kind: Literal["RunCompleted", "MessagesLeft"], detail: str) -> None:
        try:
            answer = self.client.put_events(
                Entries=[
                    {
                        "EventBusName": self.bus_name,
                        "Source": self.source,
                        "DetailType": kind,
                        "Detail": detail,
                    }
                ]
            )
        except (ClientError, BotoCoreError) as error:
            raise EventBusUnavailable(
                f"EventBridge did not accept {kind}: {error_code(error)}"
            ) from error
        if answer["FailedEntryCount"]:
            raise EventBusUnavailable(
                f"EventBridge refused {kind}: {answer['Entries'][0].get('ErrorCode')}"
            )
