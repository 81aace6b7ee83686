"""An SQS queue in virtual time: delays, visibility, the count of deliveries, dead letters."""

import random
from dataclasses import dataclass, field
from itertools import count

from support.virtual_time import VirtualTime

VISIBILITY_SECONDS = 360
MOST_DELIVERIES = 5
"""As in the template."""
_CALL_SECONDS = 0.01


@dataclass
class QueuedMessage:
    """A message on the queue."""

    receipt: str
    body: str
    visible_at: float
    deliveries: int = 0


@dataclass
class VirtualQueue:
    """The calls of an SQS client that a worker uses, for one queue."""

    time: VirtualTime
    dice: random.Random
    messages: dict[str, QueuedMessage] = field(default_factory=dict[str, QueuedMessage])
    dead: list[QueuedMessage] = field(default_factory=list[QueuedMessage])
    """Messages that were delivered too often."""
    _numbers: "count[int]" = field(default_factory=count)

    def send_message(self, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0) -> None:
        """Put a message on the queue."""
        assert 0 <= DelaySeconds <= 900, "SQS's own limit"
        self.time.sleep(_CALL_SECONDS)
        receipt = str(next(self._numbers))
        visible_at = self.time.seconds + DelaySeconds
        self.messages[receipt] = QueuedMessage(receipt, MessageBody, visible_at)

    def change_message_visibility(
        self,
        QueueUrl: str,
        ReceiptHandle: str,
        VisibilityTimeout: int,
    ) -> None:
        """Make a message visible in so many seconds."""
        self.time.sleep(_CALL_SECONDS)
        self.messages[ReceiptHandle].visible_at = self.time.seconds + VisibilityTimeout

    def receive(self) -> QueuedMessage | None:
        """Deliver any visible message; move messages that were delivered too often to `dead`."""
        visible = [m for m in self.messages.values() if m.visible_at <= self.time.seconds]
        for message in visible:
            if message.deliveries == MOST_DELIVERIES:
                self.dead.append(self.messages.pop(message.receipt))
        waiting = [message for message in visible if message.deliveries < MOST_DELIVERIES]
        if not waiting:
            return None
        message = self.dice.choice(waiting)
        message.deliveries += 1
        message.visible_at = self.time.seconds + VISIBILITY_SECONDS
        return message

    def delete(self, message: QueuedMessage) -> None:
        """Acknowledge a message."""
        self.messages.pop(message.receipt, None)
