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
from mentor_pause.database.client import Database
from mentor_pause.database.error_classification import reason_of
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
    """Answers each mentor's calls in turn, with an outcome or an error, and then with `changed`."""

    def __init__(
        self,
        script: dict[UUID, list[str | Exception]],
        probes: list[Exception | None] | None = None,
    ) -> None:
        """`script` has the answers by mentor; `probes` has the answers to probes."""
        self.script = script
        self.probes = probes or []
        self.asked: list[UUID] = []
        self.waited_for: list[UUID] = []
        """The mentors for whose locks a call was ready to wait."""
        self.asked_for: list[tuple[object, object]] = []
        """The status and the reason of each call."""

    def call(self, function: str, arguments: Mapping[str, object]) -> list[dict[str, object]]:
        """Return the next answer."""
        if function == "get_run_freshness":
            return self._probe()
        assert function == "update_mentor_status"
        if arguments["p_wait"]:
            self.waited_for.append(arguments["p_mentor_id"])  # pyright: ignore[reportArgumentType]
        self.asked_for.append((arguments["p_status"], arguments["p_reason"]))
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


def a_page(*mentors: UUID, job: str = "certification_expiry") -> MentorPage:
    """Return a page of these mentors."""
    return MentorPage(
        job_name=job, job_run_id=uuid4(), org_id=uuid4(),
        as_of=date(2026, 3, 1), page=1, mentor_ids=mentors,
    )  # fmt: skip


def work(
    transport: ScriptedTransport,
    *mentors: UUID,
    seconds: float | Iterable[float] = 60,
    job: str = "certification_expiry",
) -> tuple[PageResult, list[dict[str, Any]]]:
    """Run the loop on a page; return its result and the log lines.

    `seconds` are the remaining times, one for each time that the loop reads them. The last one
    stays.
    """
    left = iter([seconds] if isinstance(seconds, int | float) else seconds)
    latest = [60.0]

    def remaining() -> float:
        latest[0] = next(left, latest[0])
        return latest[0]

    output = io.StringIO()
    logger = Logger(service=f"pause-{next(_names)}", stream=output)
    reconnect = Retry(attempts=2, on=DatabaseUnavailable, sleep=lambda _: None, least_seconds=3.5)
    loop = PausePage(Database(transport, reconnect), logger, tuple)
    result = loop(a_page(*mentors, job=job), remaining)
    return result, [json.loads(line) for line in output.getvalue().splitlines()]


def test_every_outcome_has_its_list() -> None:
    """A mentor whom this run has already paused counts as paused."""
    a, b, c, d = (uuid4() for _ in range(4))
    transport = ScriptedTransport({b: ["replayed"], c: ["not_active"], d: ["not_expired"]})
    result, lines = work(transport, a, b, c, d)
    found = result.outcome
    assert (found.applied, found.skipped, found.errored, lines) == ((a, b), (c, d), (), [])
    assert result.requeue is None


def test_the_first_pass_waits_for_no_lock() -> None:
    """R1: the loop tries every mentor before it waits for a locked one."""
    a, b, c = (uuid4() for _ in range(3))
    transport = ScriptedTransport({a: [LOCKED, "changed"]})
    result, lines = work(transport, a, b, c)
    assert (transport.asked, transport.waited_for, lines) == ([a, b, c, a], [a], [])
    assert (result.outcome.applied, result.requeue) == ((a, b, c), None)


def test_a_pass_waits_for_one_locked_mentor_and_tries_the_others_at_once() -> None:
    """R1: twenty locked mentors take one wait per pass, and each gets its wait in turn."""
    locked = [uuid4() for _ in range(4)]
    transport = ScriptedTransport({mentor: [LOCKED] * 99 for mentor in locked})
    result, lines = work(transport, *locked)
    assert transport.waited_for == [*locked, locked[0]]
    assert result.outcome.mentor_ids == frozenset()
    assert result.requeue == Requeue("other transactions have locked the mentors' rows", 10)
    assert {line["sqlstate"] for line in lines} == {"55P03"}


def test_a_lock_that_is_released_starts_the_patience_again() -> None:
    """R1: the invocation continues as long as waiting helps a mentor."""
    a, b = uuid4(), uuid4()
    transport = ScriptedTransport({a: [*[LOCKED] * 5, "changed"], b: [*[LOCKED] * 9, "changed"]})
    result, _ = work(transport, a, b)
    assert (set(result.outcome.applied), result.requeue) == ({a, b}, None)


def test_a_success_grants_the_other_locked_mentors_five_more_waits() -> None:
    """R1: five waits without success, counted from the last success."""
    a, b = uuid4(), uuid4()
    transport = ScriptedTransport({a: [LOCKED], b: [LOCKED] * 99})
    result, _ = work(transport, a, b)
    assert (transport.waited_for, result.outcome.applied) == ([a, *[b] * 5], (a,))


def test_a_mentor_whom_the_run_keeps_has_the_reason() -> None:
    """G5: a mentor who changed, or whose certification is still expired, is skipped."""
    a, b, c = (uuid4() for _ in range(3))
    transport = ScriptedTransport({a: ["changed_since"], b: ["still_expired"], c: ["not_active"]})
    result, _ = work(transport, a, b, c)
    assert result.outcome.kept == {a: "changed_since", b: "still_expired"}
    assert (result.outcome.applied, result.outcome.skipped) == ((), (a, b, c))


def test_a_withdrawal_resumes_the_mentors_of_its_page() -> None:
    """G5: with the same two passes as a pause."""
    a, b = uuid4(), uuid4()
    transport = ScriptedTransport({a: [LOCKED]})
    result, _ = work(transport, a, b, job="withdrawal")
    assert set(transport.asked_for) == {("active", "pause_withdrawn")}
    assert (transport.waited_for, result.outcome.applied) == ([a], (a, b))


def test_a_refused_mentor_is_not_tried_again() -> None:
    """E5: the log has id, SQLSTATE and message. The other mentors are not affected."""
    a, b = uuid4(), uuid4()
    transport = ScriptedTransport({a: [DatabaseError("no way", "P0001")]})
    result, (line,) = work(transport, a, b)
    assert (transport.asked, result.outcome.errored, result.outcome.applied) == ([a, b], (a,), (b,))
    assert (line["mentor_id"], line["sqlstate"], line["reason"]) == (str(a), "P0001", "no way")
    assert result.outcome.reasons == {a: reason_of(DatabaseError("no way", "P0001"))}


def test_an_unexpected_error_is_one_mentors_error() -> None:
    """E5: its text is not logged."""
    a, b = uuid4(), uuid4()
    result, (line,) = work(ScriptedTransport({a: [KeyError("Kari Nordmann")]}), a, b)
    assert (result.outcome.errored, result.outcome.applied) == ((a,), (b,))
    assert line["reason"] == "KeyError"


def test_a_database_that_answers_nothing_else_either_is_down() -> None:
    """E6, R3: the page keeps its progress and waits. No other mentor is tried."""
    a, b, c = (uuid4() for _ in range(3))
    transport = ScriptedTransport({b: [GONE] * 9}, probes=[GONE])
    result, _ = work(transport, a, b, c)
    assert transport.asked == [a, b, b]
    assert (result.outcome.applied, result.outcome.errored) == ((a,), ())
    assert result.requeue == Requeue(
        "no connection", 15, is_waiting=True, wait_reason="no connection"
    )


def test_a_mentor_whose_call_fails_twice_while_the_database_answers_is_an_error() -> None:
    """E5: the call itself breaks the connection. The others are processed, and the page ends."""
    a, b = uuid4(), uuid4()
    result, _ = work(ScriptedTransport({a: [GONE] * 9}), a, b)
    assert (result.outcome.errored, result.outcome.applied, result.requeue) == ((a,), (b,), None)


def test_a_mentor_whose_call_fails_once_while_the_database_answers_is_tried_again() -> None:
    """E5: one lost call says nothing about the mentor."""
    a = uuid4()
    result, _ = work(ScriptedTransport({a: [GONE, GONE, "changed"]}), a)
    assert (result.outcome.applied, result.outcome.errored, result.requeue) == ((a,), (), None)


def test_a_call_that_was_lost_once_is_made_again() -> None:
    """E6: the connection of a warm container may be closed."""
    a = uuid4()
    result, _ = work(ScriptedTransport({a: [GONE, "changed"]}), a)
    assert result.outcome.applied == (a,)


def test_a_wrong_configuration_is_not_a_mentors_error() -> None:
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


def test_a_refusal_that_a_dry_run_does_not_get_is_one_rows_error() -> None:
    """R3: for example, of an adopter's trigger. The others are paused, and the page ends."""
    a, b, c = (uuid4() for _ in range(3))
    transport = ScriptedTransport(
        {a: [DatabaseMisconfigured("no such function", "42883"), "would_change"]}
    )
    result, (line,) = work(transport, a, b, c)
    assert (result.outcome.applied, result.outcome.errored, result.requeue) == ((b, c), (a,), None)
    assert (line["mentor_id"], line["sqlstate"]) == (str(a), "42883")


def test_a_refusal_of_every_write_is_a_system_fault() -> None:
    """R3: a right that is missing inside the function shows only in a write."""
    mentors = [uuid4() for _ in range(3)]
    refusal = DatabaseMisconfigured("a right is missing", "42501")
    transport = ScriptedTransport({mentor: [refusal, "would_change"] for mentor in mentors})
    result, _ = work(transport, *mentors)
    assert (result.outcome.mentor_ids, len(set(transport.asked))) == (frozenset(), 2)
    assert result.requeue is not None
    assert (result.requeue.is_waiting, result.requeue.wait_reason) == (True, "a right is missing")


def test_a_refusal_of_the_only_mentor_is_one_rows_error() -> None:
    """R3: one refused write says nothing about the next one."""
    a = uuid4()
    refusal = DatabaseMisconfigured("a right is missing", "42501")
    result, _ = work(ScriptedTransport({a: [refusal, "would_change"]}), a)
    assert (result.outcome.errored, result.requeue) == ((a,), None)


@pytest.mark.parametrize("success", ["changed", "not_active"])
def test_refusals_after_a_success_are_errors_of_their_rows(success: str) -> None:
    """R3: the database accepts changes, so its configuration is right."""
    a, b, c = (uuid4() for _ in range(3))
    refusal = DatabaseMisconfigured("a right is missing", "42501")
    refused: list[str | Exception] = [refusal, "would_change"]
    result, _ = work(ScriptedTransport({a: [success], b: refused[:], c: refused[:]}), a, b, c)
    assert (result.outcome.errored, result.requeue) == ((b, c), None)


def test_a_database_that_refuses_the_probe_is_not_usable() -> None:
    """R3: a refusal of every call is not one mentor's error."""
    a = uuid4()
    transport = ScriptedTransport(
        {a: [GONE] * 9}, probes=[DatabaseError("no such function", "42883")]
    )
    result, _ = work(transport, a)
    assert result.requeue is not None
    assert (result.requeue.is_waiting, result.outcome.errored) == (True, ())


def test_no_mentor_is_begun_when_time_is_short() -> None:
    """E10."""
    transport = ScriptedTransport({})
    result, _ = work(transport, uuid4(), seconds=11)
    assert result == PageResult(PageOutcome(), Requeue("time ran short after 0 mentors", 1))
    assert transport.asked == []


def test_no_call_is_repeated_when_time_is_short() -> None:
    """E10: a call that was cut off by the invocation's end says nothing about the database."""
    a, b = uuid4(), uuid4()
    transport = ScriptedTransport({a: [GONE] * 9}, probes=[GONE])
    result, _ = work(transport, a, b, seconds=[11.4, 12, 11])
    assert result.requeue == Requeue("time ran short after 0 mentors", 1)
    assert transport.asked == [a]
