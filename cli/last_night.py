"""Reads what last night did, and what is wrong now (G7). It changes no data."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from cli.portal import measure_waiting
from cli.stacks import Stack
from mentor_pause.database.client import Database, Execution, MessageFigures
from mentor_pause.database.plan_results import BrakeFigures
from monitor.nightly_check import last_due

_NEWEST = 500
"""How many rows of the execution log, and how many messages, are read."""
_PER_PAGE = 1000
_EXPIRY = "certification_expiry"


@dataclass(frozen=True, slots=True)
class Night:
    """The figures of a night."""

    as_of: date
    """The day of the last run that should be over, or a later day for which a run began."""
    moment: datetime
    """When the figures were read."""
    rows: Sequence[Execution]
    """The newest rows of runs that began, newest first, without dry runs."""
    brake: BrakeFigures
    stale: int
    uncertified: int
    missed: Sequence[date]
    """The days without a completed run, of the last 30, newest first."""
    unwarned: int
    """Mentors whom the night paused without a warning at least 14 days before."""
    warned: int
    """Warnings to mentors that were written since the night's first run began."""
    messages: MessageFigures
    sends: bool
    """Whether the stack has a sender for messages."""
    portal: Mapping[str, Any]

    @property
    def expiry_rows(self) -> list[Execution]:
        """The night's expiry runs, newest first: whole runs, redrives and releases."""
        return [r for r in self.rows if r.job_name == _EXPIRY and r.as_of == self.as_of]

    @property
    def run(self) -> Execution | None:
        """The night's run: the one that completed with the fewest errors, or else the newest."""
        whole = [r for r in self.expiry_rows if r.redrive_of is None and r.plan_of is None]
        completed = [r for r in whole if r.status == "completed"]
        return min(completed, key=lambda r: r.error_count or 0) if completed else _first(whole)

    @property
    def sync(self) -> Execution | None:
        """The newest run of the portal sync."""
        return _first(r for r in self.rows if r.job_name == "hlf_sync")

    @property
    def paused(self) -> int:
        """How many mentors the night's runs paused."""
        return sum(r.paused_count or 0 for r in self.expiry_rows)

    @property
    def resumed(self) -> int:
        """How many of them a withdrawal resumed."""
        runs = {r.job_run_id for r in self.expiry_rows}
        return sum(r.resumed_count or 0 for r in self.rows if r.withdraws in runs)

    def as_json(self) -> dict[str, object]:
        """The figures as one object."""
        return {
            "as_of": self.as_of,
            "run": self.run and self.run.model_dump(),
            "paused_count": self.paused,
            "resumed_count": self.resumed,
            "brake": self.brake.model_dump(),
            "stale_active_mentors": self.stale,
            "active_without_certification": self.uncertified,
            "missed_nights": self.missed,
            "paused_unwarned": self.unwarned,
            "warnings_written": self.warned,
            "messages": self.messages.model_dump(),
            "portal": self.portal,
            "runs": [row.model_dump() for row in self.expiry_rows],
        }


def read_night(stack: Stack) -> Night:
    """Read the figures from the database, and let the portal be measured."""
    portal = measure_waiting(stack)
    with stack.database() as database:
        org_id = stack.org_id
        scope = database.assert_org_scope(org_id, stack.outputs["HlfOrgSlug"])
        moment = max(datetime.now(UTC), scope.moment)
        rows = _real_rows(database.list_executions(org_id, _NEWEST))
        due = database.get_org_day(org_id, last_due(moment))
        day = _day_of_night(rows, due, scope.today)
        return Night(
            as_of=day,
            moment=moment,
            rows=rows,
            brake=database.get_brake_figures(org_id, day),
            stale=database.count_stale_active_mentors(org_id, day),
            uncertified=database.count_active_uncertified(org_id),
            missed=database.list_missed_nights(org_id, day),
            unwarned=_count_unwarned(database, stack, day),
            warned=_count_warned(database, stack, rows, day),
            messages=database.get_message_figures(org_id),
            sends=stack.sends_messages,
            portal=portal,
        )


def _real_rows(rows: Iterable[Execution]) -> list[Execution]:
    began = ("running", "completed", "failed")
    return [row for row in rows if row.status in began and not row.dry_run]


def _day_of_night(rows: Iterable[Execution], due: date, today: date) -> date:
    """Return the day of the newest night: a run may have been for today before it was due."""
    days = [r.as_of for r in rows if r.job_name == _EXPIRY and r.as_of and r.as_of <= today]
    return max(due, *days) if days else due


def _count_unwarned(database: Database, stack: Stack, day: date) -> int:
    count, after = 0, None
    while True:
        page = database.list_paused_unwarned(stack.org_id, day, after, _PER_PAGE)
        count += len(page)
        if len(page) < _PER_PAGE:
            return count
        after = page[-1].mentor_id


def _count_warned(database: Database, stack: Stack, rows: Iterable[Execution], day: date) -> int:
    """Count the night's warnings to mentors among the newest messages."""
    began = [r.started_at for r in rows if r.job_name == _EXPIRY and r.as_of == day]
    if not began:
        return 0
    found = database.list_messages(stack.org_id, undelivered=False, before=None, limit=_NEWEST)
    return sum(
        m.kind == "warning" and m.audience == "mentor" and m.created_at >= min(began) for m in found
    )


def _first(rows: Iterable[Execution]) -> Execution | None:
    return next(iter(rows), None)
