"""Delivers messages as badly as SQS and Lambda may: in any order, twice, to dying workers."""

import random

from support.aws import Message
from support.faults import ProcessDied
from support.night import Night


def fire(night: Night) -> None:
    """Deliver the trigger as Lambda does: up to twice more, a minute later, if the process died."""
    for _ in range(3):
        try:
            night.fire()
        except ProcessDied:
            night.clock.advance(60)
        else:
            return


def deliver(night: Night, message: Message, *, dead: bool = False) -> bool:
    """Deliver a message; return whether it was acknowledged."""
    try:
        return night.deliver(message, dead=dead)
    except ProcessDied:
        return False


def work_off(night: Night, dice: random.Random) -> None:
    """Deliver in any order, some twice; repeat unacknowledged ones, at last as dead letters."""
    waiting = night.receive()
    for attempt in range(6):
        dice.shuffle(waiting)
        done = [m for m in waiting if deliver(night, m, dead=attempt >= 4)]
        repeated = [m for m in done if attempt < 3 and dice.random() < 1 / 4]
        waiting = [m for m in waiting if m not in done] + repeated
        night.clock.advance(360)


def deliver_for(night: Night, minutes: int) -> None:
    """Deliver what is on the queue, once a minute."""
    for _ in range(minutes):
        for message in night.receive():
            night.deliver(message)
        night.clock.advance(60)
