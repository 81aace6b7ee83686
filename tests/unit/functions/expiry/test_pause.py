"""The pause loop, with a hand-written database (E4-E6, E10)."""

import io
import json
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from aws_lambda_powertools import Logger

from expiry.pause import PausePage
from mentor_pause.database.client import Database
from mentor_pause.domain.messages import MentorPage
from mentor_pause.domain.runs import PageOutcome
from mentor_pause.engine.requeue import PageResult, Requeue
from mentor_pause.errors import (
    DatabaseError,
    DatabaseMisconfigured,
    DatabaseUnavailable,
    RetryableDatabaseError,
)
from mentor_pause.retry import Retry

LOCKED = RetryableDatabaseError("canceling statement due to lock timeout", "55P03")
GONE = DatabaseUnavailable("no connection")
_names = count()


class ScriptedTransport:
    """Answers each mentor's calls in turn, with an outcome or an error; at last `changed`."""

    def __init__(
        self,
        script: dict[UUID, list[str | Exception]],
        probes: list[Exception | None] | None = None,
    ) -> None:
        """`script` holds the answers by mentor, `probes` those to questions about no mentor."""
        self.script = script
        self.probes = probes or []
        self.asked: list[UUID] = []
        self.waited_for: list[UUID] = []
        """The mentors for whose locks a call was ready to wait."""

    def call(self, function: str, arguments: Mapping[str, object]) -> list[dict[str, object]]:
        """Answer."""
        if function == "get_run_freshness":
            return self._probe()
        assert function == "update_mentor_status"
        if arguments["p_wait"]:
            self.waited_for.append(arguments["p_mentor_id"])  # pyright: ignore[reportArgumentType]
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

    def _probe(self) -> list[dict[str, object]]:
        answer = self.probes.pop(0) if self.probes else None
        if answer is not None:
            raise answer
        return [
            {
                "last_finished_at": None,
                "last_as_of": None,
                "hours_since_completed_run": None,
                "night_error_count": None,
            }
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
    transport: ScriptedTransport, *mentors: UUID, seconds: float | Iterable[float] = 60
) -> tuple[PageResult, list[dict[str, Any]]]:
    """Let the loop have a page; return its result and the log lines.

    `seconds` are what is left, each time that it is asked; the last of them from then on.
    """
    left = iter([seconds] if isinstance(seconds, int | float) else seconds)
    latest = [60.0]

    def remaining() -> float:
        latest[0] = next(left, latest[0])
        return latest[0]

    output = io.StringIO()
    logger = Logger(service=f"pause-{next(_names)}", stream=output)
    reconnect = Retry(attempts=2, on=DatabaseUnavailable, sleep=lambda _: None, least_seconds=3.5)
    result = PausePage(Database(transport, reconnect), logger, tuple)(a_page(*mentors), remaining)
    return result, [json.loads(line) for line in output.getvalue().splitlines()]


def test_every_outcome_has_its_list() -> None:
    """A mentor whom this run has paused before counts as paused."""
    a, b, c, d = (uuid4() for _ in range(4))
    transport = ScriptedTransport({b: ["replayed"], c: ["not_active"], d: ["not_expired"]})
    result, lines = work(transport, a, b, c, d)
    found = result.outcome
    assert (found.applied, found.skipped, found.errored, lines) == ((a, b), (c, d), (), [])
    assert result.requeue is None


def test_the_first_pass_waits_for_no_lock() -> None:
    """R1: every other mentor has had a turn before anybody waits for a locked one."""
    a, b, c = (uuid4() for _ in range(3))
    transport = ScriptedTransport({a: [LOCKED, "changed"]})
    result, _ = work(transport, a, b, c)
    assert (transport.asked, transport.waited_for) == ([a, b, c, a], [a])
    assert (result.outcome.applied, result.requeue) == ((a, b, c), None)


def test_a_pass_waits_for_one_locked_mentor_and_tries_the_others_at_once() -> None:
    """R1: twenty locked mentors cost one wait a pass, not twenty; and each gets its wait."""
    locked = [uuid4() for _ in range(4)]
    transport = ScriptedTransport({mentor: [LOCKED] * 99 for mentor in locked})
    result, lines = work(transport, *locked)
    assert transport.waited_for == [*locked, locked[0]]
    assert result.outcome.mentor_ids == frozenset()
    assert result.requeue == Requeue("other transactions have locked the mentors' rows", 10)
    assert {line["sqlstate"] for line in lines} == {"55P03"}


def test_a_lock_that_is_released_starts_the_patience_again() -> None:
    """R1: as long as waiting helps somebody, the invocation goes on."""
    a, b = uuid4(), uuid4()
    transport = ScriptedTransport({a: [*[LOCKED] * 5, "changed"], b: [*[LOCKED] * 9, "changed"]})
    result, _ = work(transport, a, b)
    assert (set(result.outcome.applied), result.requeue) == ({a, b}, None)


def test_what_the_database_refuses_is_not_tried_again() -> None:
    """E5: logged with id, SQLSTATE and message; the others go on."""
    a, b = uuid4(), uuid4()
    transport = ScriptedTransport({a: [DatabaseError("no way", "P0001")]})
    result, (line,) = work(transport, a, b)
    assert (transport.asked, result.outcome.errored, result.outcome.applied) == ([a, b], (a,), (b,))
    assert (line["mentor_id"], line["sqlstate"], line["reason"]) == (str(a), "P0001", "no way")


def test_a_surprise_is_one_mentors_error_too() -> None:
    """E5: whatever it is; its text is not logged."""
    a, b = uuid4(), uuid4()
    result, (line,) = work(ScriptedTransport({a: [KeyError("Kari Nordmann")]}), a, b)
    assert (result.outcome.errored, result.outcome.applied) == ((a,), (b,))
    assert line["reason"] == "KeyError"


def test_a_database_that_answers_nothing_else_either_is_down() -> None:
    """E6, R3: the page waits, with what it has; no other mentor is tried."""
    a, b, c = (uuid4() for _ in range(3))
    transport = ScriptedTransport({b: [GONE] * 9}, probes=[GONE])
    result, _ = work(transport, a, b, c)
    assert transport.asked == [a, b, b]
    assert (result.outcome.applied, result.outcome.errored) == ((a,), ())
    assert result.requeue == Requeue(
        "no connection", 15, is_waiting=True, wait_reason="no connection"
    )


def test_a_mentor_without_an_answer_twice_while_the_database_is_there_is_an_error() -> None:
    """E5: its own call kills the connection; the others go on, and the page ends."""
    a, b = uuid4(), uuid4()
    result, _ = work(ScriptedTransport({a: [GONE] * 9}), a, b)
    assert (result.outcome.errored, result.outcome.applied, result.requeue) == ((a,), (b,), None)


def test_a_call_that_was_lost_once_is_made_again() -> None:
    """E6: the connection of a warm container may have been closed meanwhile."""
    a = uuid4()
    result, _ = work(ScriptedTransport({a: [GONE, "changed"]}), a)
    assert result.outcome.applied == (a,)


def test_a_wrong_configuration_is_no_mentors_error_and_is_not_tried_again() -> None:
    """R3: the page waits for an operator, longer than for a database that is down."""
    a, b = uuid4(), uuid4()
    wrong = DatabaseMisconfigured("wrong password", "28P01")
    transport = ScriptedTransport({b: [wrong, wrong]})
    result, _ = work(transport, a, b)
    assert (transport.asked, result.outcome.applied, result.outcome.errored) == (
        [a, b, b],
        (a,),
        (),
    )
    assert result.requeue == Requeue(
        "wrong password", 120, is_waiting=True, wait_reason="wrong password"
    )


def test_a_refusal_that_a_dry_run_does_not_meet_is_one_rows() -> None:
    """R3: such as that of an adopter's trigger; the others are paused, and the page ends."""
    a, b, c = (uuid4() for _ in range(3))
    transport = ScriptedTransport(
        {a: [DatabaseMisconfigured("no such function", "42883"), "would_change"]}
    )
    result, (line,) = work(transport, a, b, c)
    assert (result.outcome.applied, result.outcome.errored, result.requeue) == ((b, c), (a,), None)
    assert (line["mentor_id"], line["sqlstate"]) == (str(a), "42883")


def test_a_refusal_that_two_mentors_meet_and_no_other_call_passes_is_everybodys() -> None:
    """R3: a right that is missing inside the function shows only when something is written."""
    mentors = [uuid4() for _ in range(3)]
    refusal = DatabaseMisconfigured("a right is missing", "42501")
    transport = ScriptedTransport({mentor: [refusal, "would_change"] for mentor in mentors})
    result, _ = work(transport, *mentors)
    assert (result.outcome.mentor_ids, len(set(transport.asked))) == (frozenset(), 2)
    assert result.requeue is not None
    assert (result.requeue.is_waiting, result.requeue.wait_reason) == (True, "a right is missing")


def test_a_database_that_refuses_the_probe_is_not_usable() -> None:
    """R3: a refusal that everybody meets is not one mentor's error."""
    a = uuid4()
    transport = ScriptedTransport(
        {a: [GONE] * 9}, probes=[DatabaseError("no such function", "42883")]
    )
    result, _ = work(transport, a)
    assert result.requeue is not None
    assert (result.requeue.is_waiting, result.outcome.errored) == (True, ())


def test_short_of_time_nothing_is_begun() -> None:
    """E10."""
    transport = ScriptedTransport({})
    result, _ = work(transport, uuid4(), seconds=11)
    assert result == PageResult(PageOutcome(), Requeue("time ran short after 0 mentors", 1))
    assert transport.asked == []


def test_short_of_time_no_call_is_tried_again_and_the_database_is_not_blamed() -> None:
    """E10: a call that the end of the invocation cut off says nothing."""
    a, b = uuid4(), uuid4()
    transport = ScriptedTransport({a: [GONE] * 9})
    result, _ = work(transport, a, b, seconds=[11.4, 12, 11])
    assert result.requeue == Requeue("time ran short after 0 mentors", 1)
    assert transport.asked == [a]
