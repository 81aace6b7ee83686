"""A stand-in for Amazon SES, and a notifier that sends through it (W3, W4)."""

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from math import inf
from typing import Any
from uuid import UUID

from aws_lambda_powertools import Logger

from mentor_pause.aws.mailer import Mailer
from mentor_pause.database.notifier_client import NotifierDatabase
from mentor_pause.retry import Retry
from notify.app import log_report
from notify.render import Renderer
from notify.send import Report, SendDigests
from support.faults import SES, Faulty, Plan
from support.roster import ORG, Records, Roster

SOON = timedelta(days=10)
SENDER = "ingen-svar@example.com"
CONSOLE = "https://console.example"
_names = count()


@dataclass(frozen=True, slots=True)
class Letter:
    """An e-mail that SES took."""

    message_id: str
    digest_id: UUID
    to: str
    subject: str
    text: str


@dataclass(slots=True)
class PostOffice:
    """SES as the notifier calls it; it delivers nothing."""

    letters: list[Letter] = field(default_factory=list[Letter])
    per_second: float = 14.0
    per_day: float = 50_000.0
    sent_today: float = 0.0
    is_enabled: bool = True
    failures: list[Exception] = field(default_factory=list[Exception])
    """The answers to the next e-mails, instead of taking them."""
    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def get_account(self) -> dict[str, Any]:
        """Return the sending quota."""
        return {
            "SendingEnabled": self.is_enabled,
            "SendQuota": {
                "Max24HourSend": self.per_day,
                "MaxSendRate": self.per_second,
                "SentLast24Hours": self.sent_today,
            },
        }

    def send_email(self, **request: Any) -> dict[str, str]:
        """Take an e-mail."""
        self.requests.append(request)
        if self.failures:
            raise self.failures.pop(0)
        (tag,) = request["EmailTags"]
        content = request["Content"]["Simple"]
        (address,) = request["Destination"]["ToAddresses"]
        letter = Letter(
            f"m-{len(self.requests)}",
            UUID(tag["Value"]),
            address,
            content["Subject"]["Data"],
            content["Body"]["Text"]["Data"],
        )
        self.letters.append(letter)
        self.sent_today += 1
        return {"MessageId": letter.message_id}


class Time:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        """It starts at zero."""
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def __call__(self) -> float:
        """Return the present moment in seconds."""
        return self.now


class Notifier:
    """The notifier with a database and a post office; calls go through the plan's faults."""

    def __init__(self, transport: Any, office: PostOffice, plan: Plan | None = None) -> None:
        """`transport` logs in with the role of the notifier."""
        self.office, self.time, self.output = office, Time(), io.StringIO()
        self.database = NotifierDatabase(transport, Retry(sleep=lambda _seconds: None))
        client: Any = Faulty(office, ("send_email", "get_account"), plan or Plan(), SES)
        self.logger = Logger(service=f"notifier-{next(_names)}", stream=self.output)
        self.mailer: Mailer | None = Mailer(client, SENDER, "events")
        self.render = Renderer(CONSOLE).render

    def send(self, remaining: Callable[[], float] = lambda: inf) -> Report:
        """Send what is due, and log the report as the Lambda does."""
        send = SendDigests(
            ORG, self.database, self.mailer, self.render, self.logger, self.time.sleep, self.time
        )
        report = send(remaining)
        log_report(report, self.logger)
        return report

    def lines(self, message: str) -> list[dict[str, Any]]:
        """Return the log lines that say `message`."""
        found = [json.loads(line) for line in self.output.getvalue().splitlines()]
        return [line for line in found if line["message"] == message]


def add_contact(
    records: Records, mentor: UUID, email: str | None, language: str = "nb", name: str = "Kari"
) -> None:
    """Give a mentor a contact."""
    records.db.execute(
        "insert into mentor_contacts values (%s, %s, %s, %s)", (mentor, name, email, language)
    )


def add_member_contact(
    records: Records, member: UUID, email: str | None, language: str = "nb"
) -> None:
    """Give a coordinator or an administrator a contact."""
    records.db.execute(
        "insert into member_contacts values (%s, %s, 'Ola', %s, %s)", (ORG, member, email, language)
    )


def a_day_later(records: Records, days: int = 1) -> None:
    """Make messages and digests older, as if so many days had passed and it were after six."""
    # In two steps, because no two digests of a person may be of one day, not even in between.
    records.db.execute(
        "update digests set day = day - 10000 - %(days)s,"
        " began_at = began_at - %(days)s * interval '1 day'",
        {"days": days},
    )
    records.db.execute("update digests set day = day + 10000")
    records.db.execute(
        "update messages set created_at = created_at - %(days)s * interval '1 day',"
        " due_at = least(due_at - %(days)s * interval '1 day', now()),"
        " expected_at = expected_at - %(days)s * interval '1 day'",
        {"days": days},
    )


def states(records: Records) -> Sequence[str]:
    """Return the states of all messages, in the order of their ids."""
    return [row["state"] for row in records.rows("select state from messages order by id")]


def today(roster: Roster) -> date:
    """Return the organisation's present day."""
    (row,) = roster.rows("select private.org_today(%s) as day", ORG)
    return row["day"]


def warned(roster: Roster, count: int) -> list[UUID]:
    """Add mentors who are warned today, each with an address."""
    mentors = [roster.add_mentor(today(roster) + SOON) for _ in range(count)]
    for number, mentor in enumerate(mentors):
        add_contact(roster, mentor, f"m{number}@example.com", "en" if number % 2 else "nb")
    roster.db.execute("select write_warnings(%s, %s)", (ORG, today(roster)))
    return mentors
