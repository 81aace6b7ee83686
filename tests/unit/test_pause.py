"""The pause loop, with a hand-written database (E4-E6, E10)."""

import io
import json
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
from aws_lambda_powertools import Logger

from expiry.pause import PausePage
from mentor_pause.errors import DatabaseError, DatabaseUnavailable, RetryableDatabaseError
from mentor_pause.events import MentorPage
from mentor_pause.pages import HandBack
from mentor_pause.retry import Retry
from mentor_pause.supabase import Database

LOCKED = RetryableDatabaseError("canceling statement due to lock timeout", "55P03")
GONE = DatabaseUnavailable("no connection")
_names = count()


class ScriptedWire:
    """Answers each mentor's calls in turn, with an outcome or an error; at last `changed`."""

    def __init__(self, script: dict[UUID, list[str | Exception]]) -> None:
        """`script` holds the answers by mentor."""
        self.script = script
        self.asked: list[UUID] = []

    def call(self, function: str, arguments: Mapping[str, object]) -> list[dict[str, object]]:
        """Answer."""
        assert function == "update_mentor_status"
        mentor = arguments["p_mentor_id"]
        assert isinstance(mentor, UUID)
        self.asked.append(mentor)
        answers = self.script.get(mentor)
        answer = answers.pop(0) if answers else "changed"
        if isinstance(answer, Exception):
            raise answer
        states = {"previous_status": "active", "new_status": "paused", "version": 2}
        return [
            {"outcome": answer, **states, "certification_expiry_date": None, "changed_at": None}
        ]

    def close(self) -> None:
        """Nothing is open."""


def a_page(*mentors: UUID) -> MentorPage:
    """A page of these mentors."""
    return MentorPage(
        job_name="certification_expiry", job_run_id=uuid4(), org_id=uuid4(),
        as_of=date(2026, 3, 1), page=1, mentor_ids=mentors,
    )  # fmt: skip


def work(
    wire: ScriptedWire, *mentors: UUID, seconds: float | Iterable[float] = 60
) -> tuple[Any, list[dict[str, Any]]]:
    """Let the loop have a page; return the outcome and the log lines.

    `seconds` are what is left, each time that it is asked; the last of them from then on.
    """
    left = iter([seconds] if isinstance(seconds, int | float) else seconds)
    latest = [60.0]

    def remaining() -> float:
        latest[0] = next(left, latest[0])
        return latest[0]

    output = io.StringIO()
    logger = Logger(service=f"pause-{next(_names)}", stream=output)
    reconnect = Retry(on=DatabaseUnavailable, sleep=lambda _: None)
    outcome = PausePage(Database(wire), reconnect, logger)(a_page(*mentors), remaining)
    return outcome, [json.loads(line) for line in output.getvalue().splitlines()]


def test_every_outcome_has_its_list() -> None:
    """Who was paused before by this run counts as paused."""
    a, b, c, d = (uuid4() for _ in range(4))
    wire = ScriptedWire({b: ["replayed"], c: ["not_active"], d: ["not_expired"]})
    outcome, lines = work(wire, a, b, c, d)
    assert (outcome.done, outcome.skipped, outcome.errored, lines) == ((a, b), (c, d), (), [])


def test_who_is_locked_is_tried_again_after_all_others() -> None:
    """E6: three times in all, then an error."""
    a, b, c = (uuid4() for _ in range(3))
    wire = ScriptedWire({a: [LOCKED, LOCKED, "changed"], b: [LOCKED] * 9})
    outcome, lines = work(wire, a, b, c)
    assert wire.asked == [a, b, c, a, b, a, b]
    assert (sorted(outcome.done), outcome.errored) == (sorted([a, c]), (b,))
    assert {line["sqlstate"] for line in lines} == {"55P03"}


def test_what_the_database_refuses_is_not_tried_again() -> None:
    """E5: logged with id, SQLSTATE and message; the others go on."""
    a, b = uuid4(), uuid4()
    wire = ScriptedWire({a: [DatabaseError("no way", "P0001")]})
    outcome, (line,) = work(wire, a, b)
    assert (wire.asked, outcome.errored, outcome.done) == ([a, b], (a,), (b,))
    assert (line["mentor_id"], line["sqlstate"], line["reason"]) == (str(a), "P0001", "no way")


def test_a_surprise_is_one_mentors_error_too() -> None:
    """E5: whatever it is; its text is not logged."""
    a, b = uuid4(), uuid4()
    outcome, (line,) = work(ScriptedWire({a: [KeyError("Kari Nordmann")]}), a, b)
    assert (outcome.errored, outcome.done, line["reason"]) == ((a,), (b,), "KeyError")


def test_two_mentors_without_an_answer_are_a_database_that_is_down() -> None:
    """E6: three tries each, and no third mentor."""
    a, b, c = (uuid4() for _ in range(3))
    wire = ScriptedWire({a: [GONE] * 9, b: [GONE] * 9})
    with pytest.raises(DatabaseUnavailable):
        work(wire, a, b, c)
    assert wire.asked == [a, a, a, b, b, b]


def test_short_of_time_nothing_is_begun() -> None:
    """E10."""
    wire = ScriptedWire({})
    with pytest.raises(HandBack, match="after 0 mentors"):
        work(wire, uuid4(), seconds=14)
    assert wire.asked == []


def test_one_mentor_without_an_answer_is_that_mentors_own_error() -> None:
    """E5: another call was answered, so the database is there."""
    a, b = uuid4(), uuid4()
    outcome, _ = work(ScriptedWire({a: [GONE] * 9}), a, b)
    assert (outcome.errored, outcome.done) == ((a,), (b,))


def test_short_of_time_no_call_is_tried_again() -> None:
    """E10: fifteen seconds are enough for one call, and not for another one after it."""
    a, b = uuid4(), uuid4()
    wire = ScriptedWire({a: [GONE] * 9})
    with pytest.raises(HandBack, match="after 1 mentors"):
        work(wire, a, b, seconds=[15, 14.9])
    assert wire.asked == [a]
