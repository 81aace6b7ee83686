"""Decides what of a night is a trouble, and which command comes next (G7). No I/O."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from cli.last_night import Night
from cli.show.moments import minute
from cli.show.plans import approve_words
from mentor_pause.database.client import Execution

type Command = Callable[[str], str]

_LONGEST_RUN = timedelta(minutes=29)
"""A run that takes longer may hang; the monitor looks at a night after this time."""
_RECENT = timedelta(days=7)
"""An older missed night is shown, but nobody has to act on it."""
_OLD_DRIFT = 90_000
"""Seconds after which a difference to the portal is a trouble (25 hours, as for its alarm)."""
_SHOWN_DAYS = 4
_RUN_NOW = "run certification_expiry --follow"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing about a night."""

    what: str
    text: str
    step: str | None = None
    """The next command; a fact with one is a trouble."""
    look: str | None = None
    """A command that shows more, before the step."""

    @property
    def is_trouble(self) -> bool:
        """Whether somebody has to do something."""
        return self.step is not None


def facts_of(night: Night, command: Command) -> list[Fact]:
    """Return the facts of a night in the order of their weight."""
    rules = (
        _run, _paused, _errors, _held, _unforeseen, _stale, _missed, _hanging, _portal, _sync,
        _messages, _warnings, _uncertified,
    )  # fmt: skip
    return [fact for rule in rules for fact in rule(night, command)]


def _run(night: Night, command: Command) -> Iterator[Fact]:
    run = night.run
    if run is None:
        yield Fact("run", "no run began for this night", command(_RUN_NOW))
    elif run.status == "completed":
        yield Fact("run", f"{run.job_run_id} completed {minute(run.finished_at)}")
    elif run.status == "failed":
        look = command(f"runs {run.job_run_id}")
        yield Fact("run", f"the run failed {minute(run.finished_at)}", command(_RUN_NOW), look)
    else:
        step = command(f"runs {run.job_run_id} --follow")
        yield Fact("run", f"the run is in progress since {minute(run.started_at)}", step)


def _paused(night: Night, _command: Command) -> Iterator[Fact]:
    released = sum(r.paused_count or 0 for r in night.expiry_rows if r.approved_by)
    text = mentors(night.paused)
    text += f", {released} of them by an approved plan" if released else ""
    yield Fact("paused", text + (f", {night.resumed} resumed again" if night.resumed else ""))


def _errors(night: Night, command: Command) -> Iterator[Fact]:
    """Errors that no redrive has repeated. A newer whole run has taken the errors of older ones."""
    redriven = {r.redrive_of for r in night.expiry_rows if r.status == "completed"}
    left = [r for r in _since_whole_run(night) if r.error_count and r.job_run_id not in redriven]
    if left:
        count = sum(r.error_count or 0 for r in left)
        step = command(f"redrive {left[0].job_run_id} --follow")
        yield Fact("errors", f"{mentors(count)} could not be paused", step)


def _since_whole_run(night: Night) -> Iterator[Execution]:
    """Yield the night's rows, newest first, up to the newest completed run for all mentors."""
    for row in night.expiry_rows:
        yield row
        if row.status == "completed" and row.redrive_of is None and row.plan_of is None:
            return


def _held(night: Night, command: Command) -> Iterator[Fact]:
    brake = night.brake
    if not brake.held_count or brake.held_by is None:
        return
    step = command(approve_words(brake.held_by, brake.plan_hash or "HASH"))
    look = command(f"runs {brake.held_by}")
    text = f"{mentors(brake.held_count)} since {minute(brake.held_since)}, not warned in time"
    if brake.is_approved:
        text = f"{mentors(brake.held_count)}; approved, but not paused yet"
    yield Fact("held", text, step, look)


def _unforeseen(night: Night, command: Command) -> Iterator[Fact]:
    """The figures leave out a run that has been withdrawn."""
    brake = night.brake
    if not brake.unforeseen_count or brake.unforeseen_by is None:
        return
    text = f"{mentors(brake.unforeseen_count)} not warned in time, more than the limits; if wrong:"
    step = command(f"withdraw {brake.unforeseen_by} --dry-run --follow")
    yield Fact("unforeseen", text, step)


def _stale(night: Night, command: Command) -> Iterator[Fact]:
    """Held mentors are stale, too, but another run would hold them again."""
    others = night.stale - night.brake.held_count
    if others > 0:
        text = f"{mentors(others)} active with an expired certification"
        text += f", and {night.brake.held_count} held" if night.brake.held_count else ""
        yield Fact("stale", text, command(_RUN_NOW))
    else:
        yield Fact("stale", f"{mentors(night.stale)}, all of them held" if night.stale else "none")


def _missed(night: Night, command: Command) -> Iterator[Fact]:
    if not night.missed:
        return
    shown = _days(night.missed)
    if night.missed[0] == night.as_of:
        yield Fact("missed", shown, command(_RUN_NOW))
    elif night.as_of - night.missed[0] <= _RECENT:
        yield Fact("missed", f"{shown}; see why:", command("runs --limit 100"))
    else:
        yield Fact("missed", shown)


def _days(days: Sequence[date]) -> str:
    more = len(days) - _SHOWN_DAYS
    return ", ".join(map(str, days[:_SHOWN_DAYS])) + (f" and {more} more" if more > 0 else "")


def _hanging(night: Night, command: Command) -> Iterator[Fact]:
    hanging = [
        r for r in night.rows
        if r.status == "running" and night.moment - r.started_at > _LONGEST_RUN
    ]  # fmt: skip
    if hanging:
        text = f"{_count(len(hanging), 'run')} in progress since {minute(hanging[-1].started_at)}"
        yield Fact("hanging", f"{text}; end what hangs:", command("monitor"))


def _portal(night: Night, command: Command) -> Iterator[Fact]:
    portal = night.portal
    late = portal.get("waiting_over_an_hour", 0)
    if portal["status"] == "off":
        yield Fact("portal", "switched off")
    elif portal["status"] == "failed":
        text = f"{mentors(late)} wait for it; " if late else ""
        yield Fact("portal", f"{text}not checked: {portal['error']}", command("portal check"))
    elif late:
        text = f"{mentors(late)} paused for an hour, but not in the portal"
        yield Fact("portal", text, command("run hlf_sync --follow"))
    else:
        differ = f"{portal['differing']} mentors and {portal['certifications_differing']}"
        text = f"{differ} certifications differ, {portal['waiting']} mentors wait"
        is_old = portal["oldest_seconds"] > _OLD_DRIFT
        yield Fact("portal", text, command("portal drift") if is_old else None)


def _sync(night: Night, command: Command) -> Iterator[Fact]:
    """A sync that failed is the portal's trouble while the portal is down."""
    sync = night.sync
    if sync is None or night.portal["status"] != "measured":
        return
    if sync.status == "failed" or sync.error_count:
        what = "failed" if sync.status == "failed" else f"had {_count(sync.error_count, 'error')}"
        look = command(f"runs {sync.job_run_id}")
        yield Fact("sync", f"the last sync {what} {minute(sync.finished_at)}", look)


def _messages(night: Night, command: Command) -> Iterator[Fact]:
    figures = night.messages
    refused = figures.bounced_count + figures.complained_count
    text = (
        f"{figures.undelivered_count} wait over an hour, {figures.bounced_count} bounced,"
        f" {figures.complained_count} spam, {figures.unknown_count} unknown"
    )
    if not night.sends:
        text = "no sender is set, so no message is sent (docs/deployment.md#e-mail)"
    waits = night.sends and figures.undelivered_count
    yield Fact("messages", text, command("messages --undelivered") if refused or waits else None)


def _warnings(night: Night, _command: Command) -> Iterator[Fact]:
    text = f"{night.warned} written"
    if night.unwarned:
        text += f"; {night.unwarned} unwarned: docs/runbook.md#pausedunwarnedalarm"
    yield Fact("warnings", text)


def _uncertified(night: Night, _command: Command) -> Iterator[Fact]:
    if night.uncertified:
        active = _count(night.uncertified, "active mentor")
        yield Fact("no date", f"{active} without a certification; no run pauses them")


def mentors(count: int) -> str:
    """Return a number of mentors in words."""
    return _count(count, "mentor")


def _count(number: int | None, noun: str) -> str:
    return f"{number or 0} {noun}{'s' * (number != 1)}"
