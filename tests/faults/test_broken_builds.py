"""Builds that are broken on purpose: the seeds find each, by the check that is meant for it."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from faults.seeds import run_seed
from mentor_pause.aws.mailer import Mail, Mailer, NoAnswer, NotTaken
from mentor_pause.database.notifier_client import NotifierDatabase, Settled
from mentor_pause.domain.error_reasons import RequeueReason
from mentor_pause.domain.runs import Page, PageOutcome, Run
from mentor_pause.ledger.closed_pages import ClosedPages
from mentor_pause.ledger.lock import Lock, Locks
from mentor_pause.ledger.pages import Pages
from mentor_pause.ledger.runs import Ledger
from mentor_pause.ledger.table import Action
from support.aws import Clients, Message
from support.cluster import Cluster
from support.faults import ProcessDied
from support.night import Night
from support.post_office import SENDER, Notifier

pytestmark = pytest.mark.proof


class _UnfencedLocks(Locks):
    """Without the fence: a holder that lost the lock may still write."""

    def still_held(self, lock: Lock, lease: int) -> Action:
        action = super().still_held(lock, lease)
        action["Update"]["ConditionExpression"] = "fence = :fence or fence <> :fence"
        return action


class _UnfencedLedger(Ledger):
    @property
    def locks(self) -> Locks:
        return _UnfencedLocks(self.table)


class Unfenced(Night):
    """A night without the fence condition."""

    ledger_class = _UnfencedLedger


class AcknowledgesFirst(Night):
    """The message is acknowledged before its page is closed, so a failed page is lost."""

    def deliver(self, message: Message, **more: object) -> bool:
        """Acknowledge, whatever the result is."""
        try:
            super().deliver(message, **more)  # pyright: ignore[reportArgumentType]
        except ProcessDied:
            return True
        return True


class _CountingLedger(Ledger):
    """Counts closed pages instead of keeping the set of them."""

    def mark_page_closed(self, job_run_id: UUID, number: int) -> Run | None:
        run = self.find_run(job_run_id)
        count = self.closed.count(run) + 1 if run else number
        return super().mark_page_closed(job_run_id, count)


class Counting(Night):
    """With a count instead of the set."""

    ledger_class = _CountingLedger


class _HighestPages(ClosedPages):
    """Takes all pages below the highest closed one for closed."""

    def _sets(
        self, run: Run, known: frozenset[int] | None = None
    ) -> Iterator[tuple[int, frozenset[int]]]:
        for shard, closed in super()._sets(run, known):
            yield shard, frozenset(range(1, max(closed, default=0) + 1))


class _HighestLedger(Ledger):
    @property
    def closed(self) -> ClosedPages:
        return _HighestPages(self.table, self.shard)


class Highest(Night):
    """With the highest closed page of a shard instead of its set."""

    ledger_class = _HighestLedger


class LosesHandovers(Night):
    """A run that a dispatcher hands over is lost."""

    def waiting(self) -> list[Message]:
        """Lose the requests of runs that were handed over."""
        return [m for m in super().waiting() if "handed_over_fence" not in m["Body"]]


class _ForgetfulPages(Pages):
    """Pretends to save the progress of a page."""

    def save_progress(
        self,
        job_run_id: UUID,
        number: int,
        outcome: PageOutcome,
        requeue: RequeueReason | None = None,
    ) -> Page | None:
        page = super().save_progress(job_run_id, number, PageOutcome(), requeue)
        return page and page._replace(processed=page.processed | outcome)


class _ForgetfulLedger(Ledger):
    @property
    def pages(self) -> Pages:
        return _ForgetfulPages(self.table)


class Forgetful(Night):
    """Each invocation begins with the first mentor of its page."""

    ledger_class = _ForgetfulLedger


class Unforgiving(Night):
    """A refused scheduled run is never tried again."""

    def waiting(self) -> list[Message]:
        """Lose the waiting requests."""
        super().waiting()
        return []


class _ResendingMailer(Mailer):
    def send(self, email: str, mail: Mail, digest_id: UUID) -> str:
        try:
            return super().send(email, mail, digest_id)
        except NoAnswer as error:
            raise NotTaken("rate", error.code) from error


class _Resending(Notifier):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        assert self.mailer is not None
        self.mailer = _ResendingMailer(self.mailer.client, SENDER, "events")


class Resending(Night):
    """A letter whose answer was lost is sent again."""

    notifier_class = _Resending


class _DoubtingMailer(Mailer):
    def send(self, email: str, mail: Mail, digest_id: UUID) -> str:
        try:
            return super().send(email, mail, digest_id)
        except NotTaken as error:
            raise NoAnswer(error.code) from error


class _Doubting(Notifier):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        assert self.mailer is not None
        self.mailer = _DoubtingMailer(self.mailer.client, SENDER, "events")


class Doubting(Night):
    """A letter that SES refused is unknown."""

    notifier_class = _Doubting


class _Unsettled(Notifier):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.database = _ForgetfulDatabase(self.database.transport, self.database.retry)


class _ForgetfulDatabase(NotifierDatabase):
    def settle_messages(self, org_id: UUID) -> Settled:
        return Settled(unknown_count=0, outdated_count=0)


class Unsettled(Night):
    """Digests without an answer stay as they are."""

    notifier_class = _Unsettled


@pytest.mark.parametrize(
    ("build", "checks", "first"),
    [
        (Forgetful, {"progress_kept"}, 0),
        (Unforgiving, {"begun"}, 2),
        (Unfenced, {"fenced"}, 24),
        (AcknowledgesFirst, {"ended", "everybody"}, 30),
        (Counting, {"summary_is_pages"}, 4),
        (Highest, {"summary_is_pages", "ended"}, 25),
        (LosesHandovers, {"calm"}, 50),
        (Resending, {"one a day", "sent once"}, 25),
        (Doubting, {"unknown"}, 37),
        (Unsettled, {"at rest"}, 0),
    ],
)
def test_a_broken_build_is_found(
    cluster: Cluster, aws: Clients, build: type[Night], checks: set[str], first: int
) -> None:
    """By a check that is meant for it, within sixty seeds from one shortly before a hit."""
    seeds = range(first, first + 60)
    assert any(checks & _checks_that_fail(seed, cluster, aws, build) for seed in seeds)


def _checks_that_fail(seed: int, cluster: Cluster, aws: Clients, build: type[Night]) -> set[str]:
    wrong = run_seed(seed, cluster, aws, build).violations
    return {violation.split(": ")[1] for violation in wrong}
