"""The conservation check: what must hold after every night, whatever has failed.

It reads only the database, the ledger, the log lines and the events. Each check yields what it
finds wrong; `violations` joins them.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from mentor_pause.domain.runs import Page, Run
from mentor_pause.ledger.runs import Ledger
from support.roster import Records


class Witness(Protocol):
    """Reads a night's ledger, log lines and events, in the process or on a deployed stack."""

    @property
    def ledger(self) -> Ledger:
        """The night's ledger."""
        ...

    def lines(self, message: str) -> list[dict[str, Any]]:
        """Return the log lines that say `message`."""
        ...

    def summaries(self) -> list[dict[str, Any]]:
        """Return the summary lines, with just the fields of E7 and `errors`."""
        ...

    def announcements(self) -> list[dict[str, Any]] | None:
        """Return the details of the events; None if they cannot be read."""
        ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """The traces of one run."""

    run: Run
    pages: list[Page]
    history: list[UUID]
    """The mentors that the run changed, by the history."""
    summaries: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    """Its rows in the execution log, without the rows of refused and repeated triggers."""
    events: list[dict[str, Any]] | None
    not_published: bool
    late: set[str]
    """The mentors that a worker processed after their page had failed, by the log line."""
    requeued: list[dict[str, Any]]
    """The log lines about pages that went back to the queue."""
    notifications: list[dict[str, Any]]
    concerned: Mapping[UUID, set[UUID]]
    """The mentors that the run paused, renewed or resumed, by their coordinator."""

    @property
    def effect(self) -> str:
        """The word that names the run's count and its list, such as "paused"."""
        return self.run.effect

    @property
    def dispatched(self) -> list[UUID]:
        """The mentors on the run's pages."""
        return [mentor for page in self.pages for mentor in page.mentor_ids]


def gather(night: Witness, records: Records, job_run_id: UUID) -> Evidence:
    """Read the traces of a run."""
    run = night.ledger.find_run(job_run_id)
    assert run is not None
    text = str(job_run_id)
    concerned: dict[UUID, set[UUID]] = {}
    for row in records.rows(_CONCERNED, job_run_id):
        concerned.setdefault(row["coordinator_id"], set()).add(row["mentor_id"])
    return Evidence(
        run=run,
        pages=night.ledger.pages.list(job_run_id),
        history=[row["mentor_id"] for row in records.history() if row["job_run_id"] == job_run_id],
        summaries=[s for s in night.summaries() if s["job_run_id"] == text],
        rows=[
            r
            for r in records.log()
            if r["job_run_id"] == job_run_id and r["status"] not in ("duplicate", "refused")
        ],
        events=None
        if (seen := night.announcements()) is None
        else [e for e in seen if e["job_run_id"] == text],
        not_published=any(
            line["job_run_id"] == text for line in night.lines("event not published")
        ),
        late={
            mentor
            for line in night.lines("processed after the page had failed")
            if line["job_run_id"] == text
            for mentor in line["mentor_ids"]
        },
        requeued=[line for line in night.lines("page requeued") if line["job_run_id"] == text],
        notifications=records.rows(_NOTIFICATIONS, job_run_id),
        concerned=concerned,
    )


_NOTIFICATIONS = """
select person_id as coordinator_id, mentor_ids from messages
where job_run_id = %s and audience = 'coordinator'
"""
_CONCERNED = """
select c.coordinator_id, h.mentor_id
from (select mentor_id, job_run_id from peer_mentor_status_history
      union select mentor_id, job_run_id from certifications) h
join peer_mentors m on m.id = h.mentor_id
join (select mentor_id, coordinator_id from assignments
      union select m.id, cc.coordinator_id from peer_mentors m join coordinator_chapters cc
      using (chapter_id)) c on c.mentor_id = m.id
where h.job_run_id = %s
"""


def errors_have_reasons(found: Evidence) -> Iterator[str]:
    """E7: each error is in one group, and a row with errors says why."""
    for summary in found.summaries:
        grouped = sum(group["count"] for group in summary["errors"])
        if grouped != summary["error_count"]:
            yield f"{grouped} of {summary['error_count']} errors have a reason"
        for group in summary["errors"]:
            if group["example"] not in summary["mentor_ids_errored"] or not group["reason"]:
                yield f"the group {group} has no example of its own"
    for row in found.rows:
        said = f"{row['error_count']} error" if not found.late else "error"
        if row["error_count"] and said not in (row["error"] or ""):
            yield f"the row has {row['error_count']} errors and says {row['error']!r}"


def violations(night: Witness, records: Records, job_run_id: UUID) -> list[str]:
    """Return all violations of a run, each with the name of its check."""
    found = gather(night, records, job_run_id)
    return [f"{check.__name__}: {wrong}" for check in CHECKS for wrong in check(found)]


def check_conservation(night: Witness, records: Records, job_run_id: UUID) -> None:
    """Assert that a run has no violation."""
    assert violations(night, records, job_run_id) == []


def ended(found: Evidence) -> Iterator[str]:
    """The run has ended, and all its pages were closed before (E8)."""
    if found.run.status == "running":
        yield "the run is still running"
    open_pages = [page.number for page in found.pages if page.outcome is None]
    if open_pages:
        yield f"pages {open_pages} are not closed"


def dispatched_once(found: Evidence) -> Iterator[str]:
    """No mentor is on two pages (D7)."""
    yield from (f"{m} is on {n} pages" for m, n in Counter(found.dispatched).items() if n > 1)


def one_history_row(found: Evidence) -> Iterator[str]:
    """The run changed each mentor at most once, and only dispatched mentors (E3, E9)."""
    yield from (f"{m} has {n} history rows" for m, n in Counter(found.history).items() if n > 1)
    if strangers := set(found.history) - set(found.dispatched):
        yield f"{len(strangers)} were changed and not dispatched"


def one_summary(found: Evidence) -> Iterator[str]:
    """The run has one summary with every mentor, however often the line was written (E7)."""
    if not found.summaries:
        yield "there is no summary line"
        return
    first = found.summaries[0]
    if any(other != first for other in found.summaries):
        yield "there are summary lines that differ"
    counts = first[f"{found.effect}_count"], first["skipped_count"], first["error_count"]
    if not first["processed_count"] == sum(counts) == len(found.dispatched):
        yield f"{counts} do not add up to {len(found.dispatched)} dispatched"
    if set(first[f"mentor_ids_{found.effect}"]) & set(first["mentor_ids_errored"]):
        yield f"a mentor is both {found.effect} and errored"


def summary_is_pages(found: Evidence) -> Iterator[str]:
    """The summary has the outcome of every page, so no run ended before its pages (E8)."""
    closed = [page.outcome for page in found.pages if page.outcome]
    for line in found.summaries:
        done = {str(mentor) for outcome in closed for mentor in outcome.applied}
        if missing := done - set(line[f"mentor_ids_{found.effect}"]):
            yield f"{len(missing)} are {found.effect} by their page and not by the summary"
        skipped = {str(mentor) for outcome in closed for mentor in outcome.skipped}
        if wrong := skipped & set(line["mentor_ids_errored"]):
            yield f"{len(wrong)} are skipped by their page and errors in the summary"


def summary_is_history(found: Evidence) -> Iterator[str]:
    """Paused mentors have a history row. Late ones, of a failed page, are named in a log line."""
    if found.effect != "paused":
        return
    paused = {m for line in found.summaries for m in line["mentor_ids_paused"]}
    errored = {m for line in found.summaries for m in line["mentor_ids_errored"]}
    changed = {str(mentor) for mentor in found.history}
    if missing := changed - paused - (found.late & errored):
        yield f"{len(missing)} were paused, and no line says so"
    if invented := paused - changed:
        yield f"{len(invented)} count as paused without history"


def one_row(found: Evidence) -> Iterator[str]:
    """The run has one row, which agrees with the summary and the history (D4)."""
    if len(found.rows) != 1:
        yield f"there are {len(found.rows)} rows"
        return
    (row,), field = found.rows, f"{found.effect}_count"
    if row["status"] != found.run.status:
        yield f"the row says {row['status']}, the ledger {found.run.status}"
    for summary in found.summaries[:1]:
        late = found.late & set(summary["mentor_ids_errored"])
        if row[field] != summary[field] + len(late):
            yield "the row's count is not the summary's, with those that came late"
        if row["error_count"] != summary["error_count"] - len(late):
            yield "the row's errors are not the summary's, without those that came late"
    is_real = found.effect == "paused" and not found.run.trigger.dry_run
    if is_real and row["paused_count"] != len(found.history):
        yield "the row's last word is not the history's"


def progress_kept(found: Evidence) -> Iterator[str]:
    """A mentor that was processed before a requeue stays processed (R1)."""
    said: dict[int, int] = {}
    for line in found.requeued:
        said[line["page"]] = max(said.get(line["page"], 0), line["processed_count"])
    for page in found.pages:
        kept = len(page.processed.mentor_ids)
        if kept < said.get(page.number, 0):
            yield f"page {page.number} had {said[page.number]} settled mentors and kept {kept}"


def notified_once(found: Evidence) -> Iterator[str]:
    """Each coordinator has one notification, about all of their own mentors (E11)."""
    counts = Counter(row["coordinator_id"] for row in found.notifications)
    yield from (f"coordinator {c} has {n} notifications" for c, n in counts.items() if n > 1)
    notified = {row["coordinator_id"]: set(row["mentor_ids"]) for row in found.notifications}
    for coordinator, mentors in found.concerned.items():
        if missing := mentors - notified.get(coordinator, set()):
            yield f"coordinator {coordinator} was not notified of {len(missing)} mentors"
    for coordinator, mentors in notified.items():
        if strangers := mentors - found.concerned.get(coordinator, set()):
            yield f"coordinator {coordinator} was notified of {len(strangers)} others"


def published(found: Evidence) -> Iterator[str]:
    """The event agrees with the summary, or a log line says that it is missing (E11)."""
    if found.events is None:
        return
    if not found.events and not found.not_published:
        yield "the run's event was not published"
    for summary in found.summaries[:1]:
        field = f"{found.effect}_count"
        if any(event[field] != summary[field] for event in found.events):
            yield "an event has other counts than the summary"


def fenced(found: Evidence) -> Iterator[str]:
    """A holder that lost the lock planned no page after its successor's pages (D6)."""
    fences = [page.fence for page in found.pages if page.fence is not None]
    if fences != sorted(fences):
        yield f"pages were planned under the fences {fences}"


type Check = Callable[[Evidence], Iterator[str]]

CHECKS: tuple[Check, ...] = (
    ended, dispatched_once, one_history_row, one_summary, summary_is_pages, summary_is_history,
    one_row, errors_have_reasons, progress_kept, notified_once, published, fenced,
)  # fmt: skip
