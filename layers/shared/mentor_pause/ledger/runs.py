"""The run ledger: what a run has dispatched and what came of it, in DynamoDB.

    RUN#<job_run_id> / RUN             the run: cursor, pages planned, sent and in all, closed pages
    RUN#<job_run_id> / PAGE#<number>   a page: its mentors, and once it is closed their outcome

A page is written down before its message is sent, in one transaction with the cursor and a proof
that the lock is still held. So a dispatcher that resumes sends the same page again under the same
number, though its mentors may be paused by now and would not be listed a second time.

A page's outcome grows: a worker that puts the page back adds the mentors it has settled to sets of
ids (`settled_...`), and the next worker goes on with the rest. Adding is safe to repeat, and two
workers that have the same page lose nothing of each other. A page is closed once; its `paused` are
the mentors on whom the job had its effect, whatever the job. `reasons` is a set of texts
`<ids>|<reason>`, which grows likewise: a reason takes its room once and not for each mentor. Items
vanish after 90 days; the execution log in PostgreSQL is the history.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from mentor_pause.domain.reasons import ErrorGroup, PutBack, cut
from mentor_pause.domain.runs import Firing, Page, PageOutcome, Run, RunStatus
from mentor_pause.errors import LeaseLost, LedgerContended
from mentor_pause.ledger.lock import KEPT_SECONDS, TOLERATED_SECONDS, Lock, Locks
from mentor_pause.ledger.table import Item, Table

_KEPT_FOR = timedelta(days=90)
_SETTLED = ("settled_done", "settled_skipped", "settled_errored")
_LONGEST_NOTE = 1000
_CLAIM_SECONDS = 40
"""Shorter than a dispatch lease: who resumes a run finds its predecessor's claim run out."""


@dataclass(frozen=True, slots=True)
class Leases:
    """How long the lock is held, in seconds: while paging, and after."""

    dispatch: int
    run: int


class Ledger:
    """Runs and their pages. Times are passed in; `now` tells the one that all callers share."""

    def __init__(self, table: Table, leases: Leases) -> None:
        """`table` is the ledger's table."""
        self._table = table
        self.leases = leases
        self.locks = Locks(table, max(leases.dispatch, leases.run, KEPT_SECONDS))

    def now(self) -> datetime:
        """Return the present moment by the ledger's own clock (`Table.now`)."""
        return self._table.now()

    def open_run(self, lock: Lock, as_of: date, now: datetime) -> Run:
        """Write the lock's run down, or return it as it stands when its firing had one before.

        Raises:
            LeaseLost: the lock has another holder; nothing was written.
        """
        firing = lock.firing
        opened = self._table.transact(
            [
                self.locks.still_held(lock, now, self.leases.dispatch),
                self._table.put_new_action(_new_run(firing, as_of, now)),
            ]
        )
        run = self.find_run(firing.job_run_id)
        if run is None:
            raise LeaseLost(f"run {firing.job_run_id} was taken over before it was opened")
        if not opened:
            self.assert_held(lock, now)
        return run

    def find_run(self, job_run_id: UUID) -> Run | None:
        """Return the run as it is now."""
        item = self._table.get(_run_key(job_run_id), "RUN")
        return _run(item) if item else None

    def plan_page(self, lock: Lock, number: int, mentor_ids: Sequence[UUID], now: datetime) -> None:
        """Write the next page down and move the cursor behind it.

        Raises:
            LeaseLost: the lock has another holder; nothing was written.
        """
        run_key = _run_key(lock.firing.job_run_id)
        mentors = [str(mentor) for mentor in mentor_ids]
        planned = self._table.transact(
            [
                self.locks.still_held(lock, now, self.leases.dispatch),
                self._table.update_action(
                    run_key,
                    "RUN",
                    "SET pages_planned = :number, #cursor = :cursor, moved_at = :now",
                    "pages_planned = :before and attribute_not_exists(pages_total)",
                    {
                        "number": number,
                        "before": number - 1,
                        "cursor": mentors[-1],
                        "now": now.isoformat(),
                    },
                ),
                self._table.put_new_action(
                    {
                        "pk": run_key,
                        "sk": _page_key(number),
                        "mentor_ids": mentors,
                        "fence": lock.fence,
                        "expires_at": int((now + _KEPT_FOR).timestamp()),
                    }
                ),
            ]
        )
        if not planned and not self._is_planned(lock, number, mentors, now):
            raise LeaseLost(f"run {lock.firing.job_run_id} was taken over before page {number}")

    def _is_planned(self, lock: Lock, number: int, mentors: list[str], now: datetime) -> bool:
        """Whether the page is there already: the write landed before and its answer was lost."""
        page = self.find_page(lock.firing.job_run_id, number)
        if page is None or [str(mentor) for mentor in page.mentor_ids] != mentors:
            return False
        return self._table.transact([self.locks.still_held(lock, now, self.leases.dispatch)])

    def mark_sent(self, job_run_id: UUID, number: int) -> None:
        """Note that the pages up to this number are on the queue."""
        self._table.update(
            _run_key(job_run_id), "RUN", "SET pages_sent = :n", "pages_sent < :n", {"n": number}
        )

    def end_paging(
        self, lock: Lock, job_run_id: UUID, pages_total: int, error: str | None, now: datetime
    ) -> Run:
        """Fix the number of a run's pages, so that the set of them can become whole.

        The run is the lock's own, or the one that lost the lock to it. `pages_total` is the number
        of planned pages that the caller has seen: a page whose planning was slow and lands later
        would be in no count, so nothing is written when there is one more by now.

        Raises:
            LeaseLost: the lock has another holder; nothing was written.
            LedgerContended: another page is planned by now; look at the run again.
        """
        ended = self._table.transact(
            [
                self.locks.still_held(lock, now, self.leases.dispatch),
                self._table.update_action(
                    _run_key(job_run_id),
                    "RUN",
                    "SET pages_total = :total" + (", run_error = :error" if error else ""),
                    "#status = :running and pages_planned = :total",
                    {"total": pages_total, "running": "running"}
                    | ({"error": error} if error else {}),
                ),
            ]
        )
        run = self.find_run(job_run_id)
        if run is not None and run.status != "running":
            return run  # its last page has ended it meanwhile
        if run is not None and not ended and run.pages_planned != pages_total:
            raise LedgerContended(f"run {job_run_id} has {run.pages_planned} pages by now")
        if run is None or (not ended and (run.pages_total, run.error) != (pages_total, error)):
            raise LeaseLost(f"run {lock.firing.job_run_id} was taken over")
        return run

    def assert_held(self, lock: Lock, now: datetime) -> None:
        """Prove that the lock is still held, and renew it.

        Raises:
            LeaseLost: it has another holder.
        """
        if not self._table.transact([self.locks.still_held(lock, now, self.leases.dispatch)]):
            raise LeaseLost(f"run {lock.firing.job_run_id} was taken over")

    def find_page(self, job_run_id: UUID, number: int) -> Page | None:
        """Return one page as it is now."""
        item = self._table.get(_run_key(job_run_id), _page_key(number))
        return _page(item) if item else None

    def pages(self, job_run_id: UUID) -> list[Page]:
        """Return the run's pages in order."""
        found = map(_page, self._table.query(_run_key(job_run_id), "PAGE#"))
        return sorted(found, key=lambda page: page.number)

    def close_page(
        self,
        job_run_id: UUID,
        number: int,
        mentor_ids: Sequence[UUID],
        outcome: PageOutcome,
        now: datetime,
    ) -> bool:
        """Write a page's outcome once; False: it had one, which stays.

        The caller then notes the page in its run (`note_closed`), also after False: the process
        that closed it may have died in between.
        """
        reasons = _reasons_set(outcome)
        closed, _ = self._table.update(
            _run_key(job_run_id),
            _page_key(number),
            "SET mentor_ids = :mentors, paused = :paused, skipped = :skipped, errored = :errored, "
            "note = :note, closed_at = :now, expires_at = :expires" + _add(reasons),
            "attribute_not_exists(closed_at)",
            {
                "mentors": [str(mentor) for mentor in mentor_ids],
                "paused": [str(mentor) for mentor in outcome.done],
                "skipped": [str(mentor) for mentor in outcome.skipped],
                "errored": [str(mentor) for mentor in outcome.errored],
                "note": cut(outcome.note, _LONGEST_NOTE),
                "now": now.isoformat(),
                "expires": int((now + _KEPT_FOR).timestamp()),
            }
            | reasons,
        )
        return closed

    def keep_progress(
        self,
        job_run_id: UUID,
        number: int,
        outcome: PageOutcome,
        now: datetime,
        put_back: PutBack | None = None,
    ) -> Page | None:
        """Add the mentors that an invocation has settled, and return the page as it is now.

        `put_back` says why the others are not settled. It replaces what an earlier invocation said,
        and so does the outcome's note. Nothing is added to a page that is closed. None: the ledger
        knows no such page.
        """
        added = {
            name: {str(mentor) for mentor in mentors}
            for name, mentors in zip(
                _SETTLED, (outcome.done, outcome.skipped, outcome.errored), strict=True
            )
            if mentors
        } | _reasons_set(outcome)
        said: dict[str, str | int] = {"put_back_at": now.isoformat()}
        if outcome.note:
            said["settled_note"] = cut(outcome.note, _LONGEST_NOTE)
        if put_back:
            said |= {"put_back_reason": put_back.reason, "put_back_delivery": put_back.delivery}
        _, item = self._table.update(
            _run_key(job_run_id),
            _page_key(number),
            f"SET {', '.join(f'{name} = :{name}' for name in said)}{_add(added)}",
            "attribute_exists(pk) and attribute_not_exists(closed_at)",
            {**said, **added},
        )
        return _page(item) if item else None

    def note_copy(self, job_run_id: UUID, number: int, copy: int) -> None:
        """Note that a page's message was sent again as this copy; older copies are for nothing."""
        self._table.update(
            _run_key(job_run_id),
            _page_key(number),
            "SET #copy = :copy",
            "attribute_exists(pk) and (attribute_not_exists(#copy) or #copy < :copy)",
            {"copy": copy},
        )

    def note_put_back(self, job_run_id: UUID, trouble: str | None, now: datetime) -> None:
        """Note that a page was put back, and extend the lease: a run that waits is not hung.

        `trouble` says what around us is not as it should be, if that is the reason.
        """
        known, item = self._table.update(
            _run_key(job_run_id),
            "RUN",
            "SET moved_at = :now"
            + (", trouble = :trouble, waits = :waits" if trouble else " REMOVE waits"),
            "attribute_exists(pk)",
            {"now": now.isoformat()} | ({"trouble": trouble, "waits": True} if trouble else {}),
        )
        if known:
            self.keep_alive(_run(item), now)

    def note_closed(self, job_run_id: UUID, number: int, now: datetime) -> Run | None:
        """Put a closed page in the run's set, which is safe to repeat, and return the run."""
        known, item = self._table.update(
            _run_key(job_run_id),
            "RUN",
            "ADD closed_pages :page SET moved_at = :now REMOVE waits",
            "attribute_exists(pk)",
            {"page": {number}, "now": now.isoformat()},
        )
        return _run(item) if known else None

    def keep_alive(self, run: Run, now: datetime) -> None:
        """Extend the lease of a run that moves.

        While paging the lease is the dispatcher's alone: its death shows though workers go on.
        """
        if run.pages_total is not None:
            self.locks.extend(run.firing, now, self.leases.run)

    def claim_completion(self, job_run_id: UUID, claimant: str, now: datetime) -> bool:
        """Become the one that completes the run; the claim runs out, lest a dead one block it."""
        seconds = int(now.timestamp())
        claimed, _ = self._table.update(
            _run_key(job_run_id),
            "RUN",
            "SET claimant = :claimant, claimed_until = :until",
            "#status = :running and (attribute_not_exists(claimant) or claimant = :claimant "
            "or claimed_until <= :now or claimed_until > :no_claim)",
            {
                "claimant": claimant,
                "until": seconds + _CLAIM_SECONDS,
                "no_claim": seconds + _CLAIM_SECONDS + TOLERATED_SECONDS,
                "now": seconds,
                "running": "running",
            },
        )
        return claimed

    def end_run(
        self,
        job_run_id: UUID,
        status: RunStatus,
        now: datetime,
        errors: Iterable[ErrorGroup] = (),
    ) -> None:
        """Give the run its final status and the reasons of its errors, once."""
        self._table.update(
            _run_key(job_run_id),
            "RUN",
            "SET #status = :status, ended_at = :now, #errors = :errors",
            "#status = :running",
            {
                "status": status,
                "now": now.isoformat(),
                "running": "running",
                "errors": json.dumps([group.as_json() for group in errors]),
            },
        )


def _new_run(firing: Firing, as_of: date, now: datetime) -> Item:
    return {
        "pk": _run_key(firing.job_run_id),
        "sk": "RUN",
        "job": firing.job_name,
        "org": str(firing.org_id),
        "trigger": firing.trigger,
        "trigger_id": firing.trigger_id,
        "triggered_by": firing.triggered_by,
        "dry_run": firing.dry_run,
        **({"redrive_of": str(firing.redrive_of)} if firing.redrive_of else {}),
        "as_of": as_of.isoformat(),
        "pages_planned": 0,
        "pages_sent": 0,
        "status": "running",
        "moved_at": now.isoformat(),
        "expires_at": int((now + _KEPT_FOR).timestamp()),
    }


def _run_key(job_run_id: UUID) -> str:
    return f"RUN#{job_run_id}"


def _page_key(number: int) -> str:
    return f"PAGE#{number}"


def _run(item: Item) -> Run:
    return Run(
        firing=Firing(
            job_name=item["job"],
            org_id=UUID(item["org"]),
            trigger=item["trigger"],
            trigger_id=item["trigger_id"],
            triggered_by=item["triggered_by"],
            dry_run=item["dry_run"],
            redrive_of=UUID(item["redrive_of"]) if "redrive_of" in item else None,
        ),
        as_of=date.fromisoformat(item["as_of"]),
        cursor=UUID(item["cursor"]) if "cursor" in item else None,
        pages_planned=int(item["pages_planned"]),
        pages_sent=int(item["pages_sent"]),
        pages_total=int(item["pages_total"]) if "pages_total" in item else None,
        closed_pages=frozenset(map(int, item.get("closed_pages", ()))),
        status=item["status"],
        error=item.get("run_error"),
        moved_at=_moment(item.get("moved_at")),
        trouble=item.get("trouble"),
        waits=bool(item.get("waits", False)),
        errors=_error_groups(item.get("errors")),
    )


def _page(item: Item) -> Page:
    closed_at = _moment(item.get("closed_at"))
    mentors = _ids(item["mentor_ids"])
    reasons = _read_reasons(item.get("reasons", ()))
    settled = PageOutcome(
        *(_in_order(mentors, item.get(name, ())) for name in _SETTLED),
        note=item.get("settled_note", ""),
        reasons=reasons,
    )
    return Page(
        number=int(item["sk"].removeprefix("PAGE#")),
        mentor_ids=mentors,
        outcome=settled
        | PageOutcome(
            _ids(item["paused"]), _ids(item["skipped"]), _ids(item["errored"]), item["note"]
        )
        if closed_at
        else None,
        closed_at=closed_at,
        fence=int(item["fence"]) if "fence" in item else None,
        settled=settled,
        copy=int(item.get("copy", 0)),
        put_back=PutBack(item["put_back_reason"], int(item["put_back_delivery"]))
        if "put_back_reason" in item
        else None,
    )


def _add(sets: Collection[str]) -> str:
    """Return the part of a change that adds to sets; DynamoDB takes no empty ones."""
    return f" ADD {', '.join(f'{name} :{name}' for name in sets)}" if sets else ""


def _reasons_set(outcome: PageOutcome) -> dict[str, set[str]]:
    by_reason: dict[str, list[str]] = {}
    for mentor, reason in outcome.reasons.items():
        by_reason.setdefault(reason, []).append(str(mentor))
    found = {f"{' '.join(sorted(ids))}|{reason}" for reason, ids in by_reason.items()}
    return {"reasons": found} if found else {}


def _read_reasons(texts: Iterable[str]) -> dict[UUID, str]:
    """Return each mentor's reason; of several the same one each time, whatever a set's order is."""
    found: dict[UUID, str] = {}
    for text in sorted(texts):
        ids, _, reason = text.partition("|")
        found |= dict.fromkeys(map(UUID, ids.split()), reason)
    return found


def _error_groups(text: str | None) -> tuple[ErrorGroup, ...] | None:
    return tuple(map(ErrorGroup.from_json, json.loads(text))) if text is not None else None


def _in_order(mentors: Sequence[UUID], wanted: Collection[str]) -> tuple[UUID, ...]:
    """Return the wanted mentors in the page's order; a set of the table has none."""
    return tuple(mentor for mentor in mentors if str(mentor) in wanted)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _ids(values: Sequence[str]) -> tuple[UUID, ...]:
    return tuple(map(UUID, values))
