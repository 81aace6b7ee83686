"""The product behind the verbs of the world: the database's functions, and the real notifier."""

import io
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import psycopg
from aws_lambda_powertools import Logger

from mentor_pause.aws.mailer import Mailer
from mentor_pause.database.notifier_client import NotifierDatabase
from mentor_pause.database.pooled import PooledTransport
from notify.send import SendDigests
from support.faked_clock import FakedCluster
from support.roster import ORG, Roster
from year.warnings.hands import Hands
from year.warnings.mailbox import Died, Fates, Mailbox, Sent
from year.warnings.records import Message, Warned

_AFTER_A_DEATH = timedelta(minutes=10)
"""EventBridge or the next hour starts another notifier; digests without an answer are over then."""


@dataclass
class Product:
    """The database, whose clock can be set, and a mailbox."""

    faked: FakedCluster
    db: psycopg.Connection
    mailbox: Mailbox
    hands: Hands
    _logger: Logger = field(default_factory=lambda: Logger(service="year", stream=io.StringIO()))

    def run(self, day: date) -> tuple[set[UUID], set[Warned], int]:
        """Run the nightly job in the database; return whom it paused, its warnings, its errors."""
        row = self.db.execute(
            "select mentor_ids_paused, error_count, status = 'completed'"
            " from public.run_certification_expiry(%s, %s)",
            (ORG, day),
        ).fetchone()
        assert row
        warned = self.db.execute(
            "select mentor_id, expires_on, stage, warned_on from public.warnings"
            " where created_at >= statement_timestamp() - interval '10 minutes'"
        )
        return set(row[0]), {Warned(*w) for w in warned}, row[1] + (not row[2])

    def unwarned(self, day: date) -> set[UUID]:
        """Return whom the metric PausedUnwarned counts for a day (W7)."""
        query = "select mentor_id from public.list_paused_unwarned(%s, %s)"
        return {row[0] for row in self.db.execute(query, (ORG, day))}

    def send(self, now: datetime, fates: Fates) -> list[Sent]:
        """Send what is due, with the next notifier if one dies or stops; return the e-mails."""
        self.mailbox.open(fates)
        stopped_by = None
        while stopped_by in (None, "refused"):  # refused: three in a row
            try:
                stopped_by = self._notify()
            except Died:
                self.faked.clock.set(now + _AFTER_A_DEATH)
        assert stopped_by == "nothing_due"
        return list(self.mailbox.sent.values())

    def _notify(self) -> str:
        """Send as the Lambda does; return what stopped it."""
        url = self.faked.cluster.url(self.db, "mentor_pause_notifier")
        with closing(PooledTransport(url)) as transport:
            database = NotifierDatabase(transport)
            mailer = Mailer(cast("Any", self.mailbox), "no-reply@example.org", "set")
            report = SendDigests(ORG, database, mailer, self.mailbox.render, self._logger)(_hours)
            for digest_id in self.mailbox.bounced:
                database.record_delivery(ORG, digest_id, "bounced", f"m-{digest_id}", "Permanent")
            self.mailbox.bounced.clear()
        return report.stopped_by

    def statuses(self) -> dict[UUID, str]:
        """Return the status of every mentor."""
        return dict(self.db.execute("select id, status from public.peer_mentors").fetchall())

    def message_states(self) -> Counter[tuple[Any, ...]]:
        """Count the messages by what they are and what became of them."""
        rows = self.db.execute(
            "select audience, person_id, kind, mentor_ids, created_at, state from public.messages"
        )
        return Counter(described(*row) for row in rows)

    def clean(self) -> None:
        """Vacuum and analyse, as autovacuum does on a server whose clock is not set."""
        self.db.execute("vacuum analyze")
        self.db.execute("discard plans")


def described(
    audience: str, person: UUID, kind: str, mentors: Any, created_at: datetime, state: str
) -> tuple[Any, ...]:
    """Return what identifies a message on both sides; a run's messages are of one hour."""
    hour = created_at.astimezone().strftime("%Y-%m-%d %H")
    return (audience, person, kind, tuple(sorted(mentors)), hour, state)


def _hours() -> float:
    return 3600.0


def describe_message(message: Message) -> tuple[Any, ...]:
    """Return what identifies a message of the oracle."""
    return described(
        message.audience,
        message.person,
        message.kind,
        message.mentors,
        message.created_at,
        message.state,
    )


def open_product(faked: FakedCluster, db: psycopg.Connection, fates: Fates) -> Product:
    """Put the product together over a fresh database."""
    roster = Roster(db)
    return Product(faked, db, Mailbox(fates), Hands(roster.db))
