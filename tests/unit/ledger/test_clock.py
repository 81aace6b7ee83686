"""The time by AWS: the `Date` header of its answers, and this machine's clock between them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mentor_pause.ledger.clock import ServerClock
from mentor_pause.ledger.table import Table

TRUE = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
TEXT = "Sun, 01 Mar 2026 02:00:00 GMT"


class Machine:
    """A machine's clock that is an hour behind, and a server that may send its time."""

    def __init__(self, text: str | None = TEXT) -> None:
        """`text` is the server's header."""
        self.now, self.text, self.asked = TRUE - timedelta(hours=1), text, 0
        self.clock = ServerClock(self.ask, lambda: self.now)

    def ask(self) -> None:
        """Answer."""
        self.asked += 1
        self.clock.note(answer(self.text))


def answer(text: str | None) -> Mapping[str, Any]:
    """Return an answer of AWS."""
    return {"ResponseMetadata": {"HTTPHeaders": {} if text is None else {"date": text}}}


def test_the_servers_time_is_read_once_and_continued_by_the_machines_clock() -> None:
    """D6: the machine's clock is an hour behind."""
    machine = Machine()
    assert machine.clock() == TRUE
    machine.now += timedelta(seconds=60)
    assert (machine.clock(), machine.asked) == (TRUE + timedelta(seconds=60), 1)


@pytest.mark.parametrize("step", [timedelta(seconds=61), timedelta(seconds=-1), timedelta(days=1)])
def test_after_a_clock_change_or_a_freeze_the_servers_time_is_read_again(step: timedelta) -> None:
    """D6."""
    machine = Machine()
    machine.clock()
    machine.now += step
    assert (machine.clock(), machine.asked) == (TRUE, 2)


def test_every_answer_corrects_the_clock_without_a_request() -> None:
    """D6."""
    machine = Machine()
    machine.clock.note(answer("Sun, 01 Mar 2026 03:00:00 GMT"))
    assert (machine.clock(), machine.asked) == (TRUE + timedelta(hours=1), 0)


@pytest.mark.parametrize("text", ["Sun, 01 Mar 2026 04:00:00 +0200", "Sun, 01 Mar 2026 02:00:00"])
def test_a_date_is_in_utc_whatever_its_zone(text: str) -> None:
    """D6: a date without a zone is taken for UTC, as HTTP prescribes."""
    assert Machine(text).clock() == TRUE


@pytest.mark.parametrize("text", [None, "", "yesterday", "Sun, 99 Mar 2026 02:00:00 GMT"])
def test_without_a_date_header_the_machines_time_counts(text: str | None) -> None:
    """D6: the server is not asked at each read."""
    machine = Machine(text)
    assert machine.clock() == machine.clock() == machine.now
    assert machine.asked == 1
    machine.clock.note(None)
    machine.clock.note({"ResponseMetadata": None})
    assert machine.clock() == machine.now


class OnceRefused:
    """A DynamoDB client that refuses each read, and sends the time."""

    def get_item(self, **_request: object) -> dict[str, Any]:
        """Refuse."""
        raise ClientError({"Error": {"Code": "AccessDenied"}, **answer(TEXT)}, "GetItem")  # pyright: ignore[reportArgumentType]


def test_a_refusal_has_the_time_too() -> None:
    """D6."""
    client: Any = OnceRefused()
    assert Table(client, "ledger", local_clock=lambda: TRUE + timedelta(days=1)).now() == TRUE
