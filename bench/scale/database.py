"""A stand-in for the database in virtual time.

The organisation has a given number of active mentors, and all of their certifications have expired.
The stand-in computes the mentors' ids from their numbers, so it needs no memory for them. The
functions that are about mentors answer inside the function's process. The others answer in the
simulation's process, which keeps the execution log.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from mentor_pause.database.message_results import MessageFigures
from mentor_pause.database.plan_results import BrakeFigures
from mentor_pause.errors import RetryableDatabaseError

type Row = dict[str, object]
type Arguments = Mapping[str, Any]

ORG = UUID("00000000-0000-4000-8000-000000000001")
BEGAN = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
"""When the night begins."""

TODAY = BEGAN.date()
CONNECT_CALLS = 4
"""Round trips of a new connection: TCP, TLS and the login."""

NOTIFIED_SECONDS = 13.9 / 400_000
"""Of a notification, for each mentor: measured on PostgreSQL 18 when one call notified of all."""

PLANNED_SECONDS = 4.0 / 100_000
"""Of a plan, for each mentor: measured on PostgreSQL 18 (docs/benchmarks.md)."""

STATEMENT_TIMEOUT = 8.0
"""Seconds after which the database ends a statement of the functions' roles."""

_SECONDS_FOR_EACH: Mapping[str, float] = {
    "make_plan": PLANNED_SECONDS,
    "notify_coordinators": NOTIFIED_SECONDS,
    "notify_coordinators_page": NOTIFIED_SECONDS,
}
_FIRST = 0x10000000_0000_4000_8000_000000000000
_CHANGED: Row = {
    "outcome": "changed",
    "previous_status": "active",
    "new_status": "paused",
    "certification_expiry_date": TODAY - timedelta(days=1),
    "version": 2,
    "changed_at": BEGAN,
}


def moment(at: float) -> datetime:
    """Return the date of a moment in the simulation's seconds."""
    return BEGAN + timedelta(seconds=at)


def list_mentors(mentors: int, after: UUID | None, limit: int) -> list[Row]:
    """Return the ids of one keyset page."""
    start = 0 if after is None else after.int - _FIRST + 1
    numbers = range(start, min(start + limit, mentors))
    return [{"mentor_id": UUID(int=_FIRST + number)} for number in numbers]


class Transport:
    """The transport of a simulated function, in the place of the pooled one."""

    def __init__(
        self,
        mentors: int,
        wait: Callable[[int, float], None],
        ask: Callable[[str, Arguments], list[Row]],
    ) -> None:
        """`wait` lets round trips and seconds pass; `ask` calls the simulation."""
        self.calls: Counter[str] = Counter()
        self._mentors, self._wait, self._ask = mentors, wait, ask
        self._is_connected = False

    def call(self, function: str, arguments: Arguments) -> list[Row]:
        """Answer a call.

        Raises:
            RetryableDatabaseError: the statement takes too long.
        """
        self.calls[function] += 1
        seconds = self._statement_seconds(function, arguments)
        trips = 1 if self._is_connected else 1 + CONNECT_CALLS
        self._wait(trips, min(seconds, STATEMENT_TIMEOUT))
        self._is_connected = True
        if seconds > STATEMENT_TIMEOUT:
            raise RetryableDatabaseError("canceling statement due to statement timeout", "57014")
        if function == "update_mentor_status":
            return [_CHANGED]
        if function == "list_planned_mentors":
            return list_mentors(self._mentors, arguments["p_after"], arguments["p_limit"])
        if function == "notify_coordinators_page":
            return [{function: self._last_of(arguments["p_after"], arguments["p_limit"])}]
        return self._ask(function, arguments)

    def _last_of(self, after: UUID | None, limit: int) -> object:
        """Return the last mentor of a page; None: the page is not full, so no mentor is left."""
        page = list_mentors(self._mentors, after, limit)
        return page[-1]["mentor_id"] if len(page) == limit else None

    def _statement_seconds(self, function: str, arguments: Arguments) -> float:
        """Return the seconds of a statement beyond those of its round trip."""
        each = _SECONDS_FOR_EACH.get(function, 0)
        return each * min(self._mentors, arguments.get("p_limit", self._mentors))

    def close(self) -> None:
        """Close the connection."""
        self._is_connected = False


@dataclass(slots=True)
class ExecutionLog:
    """The rows of the execution log and the plans, and the answers of the other functions."""

    mentors: int
    rows: dict[UUID, Row] = field(default_factory=dict[UUID, Row])
    finished: dict[UUID, Arguments] = field(default_factory=dict[UUID, Arguments])
    planned: Counter[UUID] = field(default_factory=Counter[UUID])
    """How many mentors each run's plan has so far."""

    def answer(self, function: str, arguments: Arguments, at: float) -> list[Row]:
        """Answer a call that arrives at a moment.

        Raises:
            KeyError: the stand-in does not know the function.
        """
        if function == "begin_execution":
            return [self._begin(arguments)]
        if function == "finish_execution":
            self.finished.setdefault(arguments["p_job_run_id"], dict(arguments))
            self.rows[arguments["p_job_run_id"]]["status"] = arguments["p_status"]
            return [_ENDED]
        if function == "make_plan":
            return [self._plan(arguments["p_job_run_id"], arguments["p_limit"])]
        if function in _ROWS:
            return _ROWS[function](at)
        return [{function: _SCALARS[function]}]

    def _begin(self, arguments: Arguments) -> Row:
        row: Row = {"status": arguments["p_status"], "as_of": arguments["p_as_of"]}
        return self.rows.setdefault(arguments["p_job_run_id"], row)

    def _plan(self, run: UUID, limit: int) -> Row:
        """Plan the next mentors; a page that is not full is the last one."""
        added = min(limit, self.mentors - self.planned[run])
        self.planned[run] += added
        is_whole = added < limit
        return {
            "is_whole": is_whole,
            "planned_count": self.mentors if is_whole else None,
            "unforeseen_count": 0 if is_whole else None,
            "held_count": 0 if is_whole else None,
            "plan_hash": "0" * 64 if is_whole else None,
        }


_ENDED: Row = {"unforeseen_count": 0, "held_count": 0, "brake_acts": False}
_FRESHNESS: Row = {
    "last_finished_at": None,
    "last_as_of": None,
    "hours_since_completed_run": None,
    "night_error_count": None,
}
_NO_BRAKE: Row = {
    **dict.fromkeys(BrakeFigures.model_fields),
    "held_count": 0,
    "is_approved": False,
    "unforeseen_count": 0,
}
_ROWS: Mapping[str, Callable[[float], list[Row]]] = {
    "assert_org_scope": lambda at: [
        {
            "org_id": ORG, "slug": "hlf", "time_zone": "Europe/Oslo",
            "today": moment(at).date(), "moment": moment(at),
        }
    ],
    "get_run_freshness": lambda _: [_FRESHNESS],
    "list_run_outcomes": lambda _: [],
    "list_running_executions": lambda _: [],
    "list_paused_unwarned": lambda _: [],
    "get_brake_figures": lambda _: [_NO_BRAKE],
    "get_message_figures": lambda _: [dict.fromkeys(MessageFigures.model_fields, 0)],
}  # fmt: skip
_SCALARS: Mapping[str, int | bool | date] = {
    "get_org_day": TODAY,
    "notify_coordinators": 1,
    "write_warnings": 0,
    "report_late_changes": False,
    "count_stale_active_mentors": 0,
    "count_active_uncertified": 0,
}
