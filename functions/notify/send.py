"""Sends the digests that are due, one after the other (W3, W4).

The database begins each digest right before it is sent, so it says what is true at that moment, and
two notifiers never send the same one. The notifier records the answer of SES at once. If it dies
between the two, the digest becomes unknown and is not sent again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Literal
from uuid import UUID, uuid4

from aws_lambda_powertools import Logger

from mentor_pause.aws.mailer import Mail, Mailer, NoAnswer, NotTaken, Quota, Refusal
from mentor_pause.database.notifier_client import BegunDigest, NotifierDatabase
from mentor_pause.errors import DatabaseError, RetryableDatabaseError, describe, origin
from mentor_pause.retry import Remaining, Sleep
from notify.digest import Digest

type Stop = Literal["nothing_due", "time", "rate", "quota", "account", "refused", "no_sender"]
"""Why no more digests were sent. `refused`: SES refused several e-mails in a row."""

LAST_SECONDS = 60.0
"""No digest begins with less time left. It covers one call to SES, its waits, and the database."""

_WAITS = (1.0, 2.0, 4.0, 8.0)
"""Seconds before the same e-mail is sent again, when SES or the network takes no more for now."""

_SHORT, _LONG = 60, 3000
"""Seconds that the messages of a refused digest wait; the next hour's notifier takes them."""

_MOST_REFUSED = 3
"""So many refusals in a row mean that the fault is not in the addresses."""

_SLOWEST = 1.0
"""E-mails per second if SES does not say how many it takes; a new account's rate."""

type Render = Callable[[Digest], Mail]


def reason(error: Exception) -> str:
    """Describe an error for the log. The text of the database may quote an address (W5)."""
    if isinstance(error, RetryableDatabaseError | DatabaseError):
        return f"the database refused, SQLSTATE {error.sqlstate}"
    return describe(error)


@dataclass(slots=True)
class Report:
    """What one invocation did."""

    sent: int = 0
    refused: int = 0
    unknown: int = 0
    outdated: int = 0
    """Messages that were too old to be sent."""
    lost: int = 0
    """Digests of earlier invocations that had no answer."""
    stopped_by: Stop = "nothing_due"
    code: str | None = None
    """The code of SES for the last refusal."""

    @property
    def is_left(self) -> bool:
        """Whether another invocation should go on at once: this one made progress until its end."""
        return self.stopped_by == "time" and self.sent > 0


@dataclass(slots=True)
class _Pace:
    """Keeps the distance between two e-mails that the account's rate needs."""

    per_second: float
    sleep: Sleep
    clock: Callable[[], float]
    _next: float = field(default=0.0)

    def wait(self) -> None:
        now = self.clock()
        if now < self._next:
            self.sleep(self._next - now)
        self._next = max(now, self._next) + 1 / self.per_second


@dataclass(frozen=True, slots=True)
class SendDigests:
    """Sends what is due, until nothing is, or the time or the quota is used up."""

    org_id: UUID
    database: NotifierDatabase
    mailer: Mailer | None
    """None: no sender is configured, and nothing is sent."""
    render: Render
    logger: Logger
    sleep: Sleep = time.sleep
    clock: Callable[[], float] = time.monotonic

    def __call__(self, remaining: Remaining) -> Report:
        """Send digests; `remaining` returns the seconds that the invocation has left.

        Raises:
            RetryableDatabaseError: the database is away; the next invocation goes on.
            DatabaseError: the database refused a call.
        """
        settled = self.database.settle_messages(self.org_id)
        report = Report(lost=settled.unknown_count, outdated=settled.outdated_count)
        if self.mailer is None:
            report.stopped_by = "no_sender"
        else:
            report.stopped_by = self._send_all(self.mailer, report, remaining)
        return report

    def _send_all(self, mailer: Mailer, report: Report, remaining: Remaining) -> Stop:
        quota = self._quota(mailer)
        if not quota.is_enabled:
            report.code = "SendingDisabled"
            return "account"
        pace = _Pace(max(quota.per_second, _SLOWEST), self.sleep, self.clock)
        refused_in_a_row = 0
        while remaining() >= LAST_SECONDS:
            if report.sent + report.unknown >= quota.left_today:
                return "quota"
            digest_id = uuid4()
            begun = self.database.begin_digest(self.org_id, digest_id)
            if begun is None:
                return "nothing_due"
            if begun.email is None:
                continue
            pace.wait()
            refusal = self._send(mailer, digest_id, begun, report, remaining)
            if refusal not in (None, "message"):
                return refusal
            refused_in_a_row = refused_in_a_row + 1 if refusal else 0
            if refused_in_a_row == _MOST_REFUSED:
                return "refused"
        return "time"

    def _quota(self, mailer: Mailer) -> Quota:
        """Return how much SES sends; the least, if it could not be asked."""
        quota = mailer.quota()
        if quota is None:
            self.logger.warning("sending quota not read; one e-mail a second is sent")
            quota = Quota(_SLOWEST, inf)
        return quota

    def _send(
        self,
        mailer: Mailer,
        digest_id: UUID,
        begun: BegunDigest,
        report: Report,
        remaining: Remaining,
    ) -> Refusal | None:
        """Send one digest and note the answer; return what SES refused, or None."""
        try:
            digest = _digest(digest_id, begun)
            mail = self.render(digest)
        except Exception as error:  # noqa: BLE001 - nothing has been sent, so the messages wait
            self.logger.error(
                "digest not rendered",
                extra={"reason": reason(error), "origin": origin(error)},
            )
            self._refuse(digest_id, "not rendered", _LONG, report)
            return "message"
        try:
            message_id = self._try(mailer, digest, mail, remaining)
        except NoAnswer as error:
            self.database.finish_digest(self.org_id, digest_id, "unknown", reason=error.code)
            report.unknown += 1
            report.code = error.code
            return None
        except NotTaken as error:
            wait = _SHORT if error.refusal == "rate" else _LONG
            self._refuse(digest_id, error.code, wait, report)
            return error.refusal
        self.database.finish_digest(self.org_id, digest_id, "sent", provider_message_id=message_id)
        report.sent += 1
        return None

    def _refuse(self, digest_id: UUID, code: str, seconds: int, report: Report) -> None:
        report.refused += 1
        report.code = code
        self.database.finish_digest(
            self.org_id, digest_id, "refused", reason=code, retry_seconds=seconds
        )

    def _try(self, mailer: Mailer, digest: Digest, mail: Mail, remaining: Remaining) -> str:
        """Send an e-mail, again after a wait if SES takes no more for now."""
        for wait in (*_WAITS, None):
            try:
                return mailer.send(digest.email, mail, digest.digest_id)
            except NotTaken as error:
                if error.refusal != "rate" or wait is None or remaining() < wait + 20:
                    raise
                self.sleep(wait)
        raise AssertionError("the last attempt returns or raises")


def _digest(digest_id: UUID, begun: BegunDigest) -> Digest:
    fields = {name: getattr(begun, name) for name in type(begun).model_fields}
    return Digest(digest_id=digest_id, **fields)
