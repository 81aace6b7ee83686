"""The run ledger: what a run has dispatched, and the results, in DynamoDB.

    RUN#<job_run_id> / RUN              the run: cursor, numbers of pages planned, sent, and total
    RUN#<job_run_id> / PAGE#<number>    a page: its mentors, and their results once it is closed
    RUN#<job_run_id> / CLOSED#<shard>   which pages are closed (`ledger.closed_pages`)
    RUN#<job_run_id> / COMPLETION       how far the completion is (`ledger.checkpoint`)

No item grows with the number of pages.

The dispatcher plans a page before it sends the page's message: one transaction writes the page,
moves the cursor, and proves that the lock is still held. A dispatcher that resumes the run
therefore sends the same page under the same number, although the listing would not return its
mentors a second time once they are paused.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from mentor_pause.domain.error_reasons import ErrorGroup
from mentor_pause.domain.runs import Page, PageOutcome, Run, RunStatus
from mentor_pause.errors import LeaseLost, PagesChanged
from mentor_pause.ledger.checkpoint import Checkpoints
from mentor_pause.ledger.closed_pages import SHARD, ClosedPages
from mentor_pause.ledger.items import expiry, new_run, page_key, read_run, run_key
from mentor_pause.ledger.lock import RESERVED_SECONDS, TOLERATED_SECONDS, Lock, Locks
from mentor_pause.ledger.pages import Pages
from mentor_pause.ledger.table import Table

CLAIM_SECONDS = 40
"""Shorter than a dispatch lease. A run is resumed after its lease; by then a dead holder's claim
has ended."""

_OFTEN_SECONDS = 60

MOST_FAILED = 25
"""Pages that one transaction closes: about 1 MB with 500 mentors on each; DynamoDB takes 4 MB."""


@dataclass(frozen=True, slots=True)
class Leases:
    """How long the lock is held, in seconds: while paging, and after paging."""

    dispatch: int
    run: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """The runs; its properties are the other parts of the ledger: locks, pages, sets, places."""

    table: Table
    leases: Leases
    shard: int = SHARD
    """Closed pages in one item."""

    @property
    def locks(self) -> Locks:
        """The locks of the jobs."""
        longest = max(self.leases.dispatch, self.leases.run, RESERVED_SECONDS)
        return Locks(self.table, longest)

    @property
    def pages(self) -> Pages:
        """The pages of the runs."""
        return Pages(self.table)

    @property
    def closed(self) -> ClosedPages:
        """The sets of closed pages."""
        return ClosedPages(self.table, self.shard)

    @property
    def checkpoints(self) -> Checkpoints:
        """How far the completions of the runs are."""
        return Checkpoints(self.table)

    def now(self) -> datetime:
        """Return the present moment by the ledger's clock (`Table.now`)."""
        return self.table.now()

    def open_run(self, lock: Lock, as_of: date) -> Run:
        """Write the lock's run, or return the run that its trigger opened before.

        Raises:
            LeaseLost: the lock has another holder; nothing was written.
        """
        trigger = lock.trigger
        opened = self.table.transact(
            [
                self.locks.still_held(lock, self.leases.dispatch),
                self.table.put_new_action(new_run(trigger, as_of, self.now())),
            ]
        )
        run = self.find_run(trigger.job_run_id)
        if run is None:
            raise LeaseLost(f"run {trigger.job_run_id} was taken over before it was opened")
        if not opened:
            self.assert_held(lock)
        return run

    def find_run(self, job_run_id: UUID) -> Run | None:
        """Return the run."""
        item = self.table.get(run_key(job_run_id), "RUN")
        return read_run(item) if item else None

    def plan_page(self, lock: Lock, number: int, mentor_ids: Sequence[UUID]) -> None:
        """Write the next page and move the cursor to its last mentor.

        Raises:
            LeaseLost: the lock has another holder; nothing was written.
        """
        key, now = run_key(lock.trigger.job_run_id), self.now()
        mentors = [str(mentor) for mentor in mentor_ids]
        planned = self.table.transact(
            [
                self.locks.still_held(lock, self.leases.dispatch),
                self.table.update_action(
                    key,
                    "RUN",
                    "SET pages_planned = :number, #cursor = :cursor, active_at = :now",
                    "pages_planned = :before and attribute_not_exists(pages_total)",
                    {
                        "number": number,
                        "before": number - 1,
                        "cursor": mentors[-1],
                        "now": now.isoformat(),
                    },
                ),
                self.table.put_new_action(
                    {
                        "pk": key,
                        "sk": page_key(number),
                        "mentor_ids": mentors,
                        "fence": lock.fence,
                        "expires_at": expiry(now),
                    }
                ),
            ]
        )
        if not planned and not self._is_planned(lock, number, mentors):
            raise LeaseLost(f"run {lock.trigger.job_run_id} was taken over before page {number}")

    def _is_planned(self, lock: Lock, number: int, mentors: list[str]) -> bool:
        """Whether an earlier attempt planned the page and only its answer was lost."""
        page = self.pages.find(lock.trigger.job_run_id, number)
        if page is None or [str(mentor) for mentor in page.mentor_ids] != mentors:
            return False
        return self.renew_if_held(lock)

    def mark_sent(self, job_run_id: UUID, number: int) -> None:
        """Record that the pages up to this number are on the queue."""
        self.table.update(
            run_key(job_run_id), "RUN", "SET pages_sent = :n", "pages_sent < :n", {"n": number}
        )

    def end_paging(
        self, lock: Lock, job_run_id: UUID, pages_total: int, error: str | None = None
    ) -> Run:
        """Fix the number of a run's pages, so that the run can complete.

        The run is the lock's own, or an abandoned run that held the lock before. `pages_total` is
        the number of planned pages that the caller read. Nothing is written if another page was
        planned since, because the run would complete without that page.

        Raises:
            LeaseLost: the lock has another holder; nothing was written.
            PagesChanged: another page was planned; read the run again.
        """
        ended = self.table.transact(
            [
                self.locks.still_held(lock, self.leases.dispatch),
                self.table.update_action(
                    run_key(job_run_id),
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
            return run  # the worker of the last page has completed it
        if run is not None and not ended and run.pages_planned != pages_total:
            raise PagesChanged(f"run {job_run_id} now has {run.pages_planned} pages")
        if run is None or (not ended and (run.pages_total, run.error) != (pages_total, error)):
            raise LeaseLost(f"run {lock.trigger.job_run_id} was taken over")
        return self.closed.advance(run)

    def fail_pages(
        self, lock: Lock, run: Run, outcomes: Sequence[tuple[Page, PageOutcome]]
    ) -> bool:
        """Close at most `MOST_FAILED` open pages of a run in one transaction, and renew the lock.

        Returns:
            False: nothing was written, because a page is closed, or the lock has another holder.
        """
        job_run_id = run.job_run_id
        return self.table.transact(
            [
                self.locks.still_held(lock, self.leases.dispatch),
                *(self.pages.close_action(job_run_id, page, done) for page, done in outcomes),
                *self.closed.add_actions(job_run_id, [page.number for page, _ in outcomes]),
            ]
        )

    def renew_if_held(self, lock: Lock) -> bool:
        """Renew the lock, if it is still held; return whether it was."""
        return self.table.transact([self.locks.still_held(lock, self.leases.dispatch)])

    def assert_held(self, lock: Lock) -> None:
        """Prove that the lock is still held, and renew it.

        Raises:
            LeaseLost: it has another holder.
        """
        if not self.renew_if_held(lock):
            raise LeaseLost(f"run {lock.trigger.job_run_id} was taken over")

    def record_requeue(self, job_run_id: UUID, wait_reason: str | None) -> None:
        """Record that a page was requeued, and extend the lease, because a waiting run is alive.

        `wait_reason` names the service that the page waits for, if that is the reason.
        """
        now = self.now().isoformat()
        exists, item = self.table.update(
            run_key(job_run_id),
            "RUN",
            "SET active_at = :now"
            + (
                ", wait_reason = :reason, is_waiting = :waiting"
                if wait_reason
                else " REMOVE is_waiting"
            ),
            "attribute_exists(pk)",
            {"now": now} | ({"reason": wait_reason, "waiting": True} if wait_reason else {}),
        )
        if exists:
            self.extend_lease(read_run(item))

    def mark_page_closed(self, job_run_id: UUID, number: int) -> Run | None:
        """Add a closed page to the run's set, which is safe to repeat, and return the run.

        The run is read after the page was added. So if the dispatcher ends paging meanwhile, one of
        the two finds that all pages are closed.
        """
        closed = self.closed.add(job_run_id, number)
        exists, item = self.table.update(
            run_key(job_run_id),
            "RUN",
            "SET active_at = :now REMOVE is_waiting",
            "attribute_exists(pk)",
            {"now": self.now().isoformat()},
        )
        if not exists:
            return None
        run = read_run(item)
        return self.closed.advance_after(run, number, closed)

    def extend_lease(self, run: Run) -> None:
        """Extend the lease of an active run, at most once in a minute or in a tenth of the lease.

        While paging only the dispatcher extends its lease. If workers extended it too, nobody would
        notice a dead dispatcher as long as workers close pages.
        """
        if run.pages_total is None:
            return
        now, often = self.now(), timedelta(seconds=min(_OFTEN_SECONDS, self.leases.run / 10))
        if run.leased_at is not None and now - often < run.leased_at <= now:
            return
        self.locks.extend(run.trigger, self.leases.run)
        self.table.update(
            run_key(run.job_run_id),
            "RUN",
            "SET leased_at = :now",
            "attribute_exists(pk)",
            {"now": now.isoformat()},
        )

    def claim_completion(self, run: Run, claimant: str) -> bool:
        """Claim the completion of a run. The claim runs out, so that a dead claimant cannot block.

        It also saves that all pages are closed (`Run.closed_through`).

        Returns:
            Whether the claim succeeded; True again for the same claimant, whose claim is renewed.
        """
        now = int(self.now().timestamp())
        claimed, _ = self.table.update(
            run_key(run.job_run_id),
            "RUN",
            "SET claimant = :claimant, claimed_until = :until, closed_through = :through",
            "#status = :running and (attribute_not_exists(claimant) or claimant = :claimant "
            "or claimed_until <= :now or claimed_until > :no_claim)",
            {
                "claimant": claimant,
                "through": run.closed_through,
                "until": now + CLAIM_SECONDS,
                "no_claim": now + CLAIM_SECONDS + TOLERATED_SECONDS,
                "now": now,
                "running": "running",
            },
        )
        return claimed

    def return_claim(self, job_run_id: UUID, claimant: str) -> None:
        """Let another process go on with the completion; does nothing if it has claimed it."""
        self.table.update(
            run_key(job_run_id),
            "RUN",
            "REMOVE claimant, claimed_until",
            "claimant = :claimant",
            {"claimant": claimant},
        )

    def end_run(
        self, job_run_id: UUID, status: RunStatus, errors: Iterable[ErrorGroup] = ()
    ) -> None:
        """Write the run's final status and the reasons of its errors, once."""
        self.table.update(
            run_key(job_run_id),
            "RUN",
            "SET #status = :status, ended_at = :now, #errors = :errors",
            "#status = :running",
            {
                "status": status,
                "now": self.now().isoformat(),
                "running": "running",
                "errors": json.dumps([group.as_json() for group in errors]),
            },
        )
