"""Reads the mails that the local stack has sent: the emulator of SES keeps them in memory."""

import json
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg

from local.processes import LOOPBACK

_SECONDS = 10
_STEP, _PATIENCE = 0.25, 10.0
"""Seconds between two looks, and without any progress."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail."""

    to: tuple[str, ...]
    subject: str
    text: str
    html: str
    sent_at: datetime


def read_mails(port: int) -> list[Mail]:
    """Return every mail that was sent since the emulator on this port started, newest last.

    Raises:
        URLError: the emulator does not answer.
    """
    path = "/_ministack/ses/messages"
    with urllib.request.urlopen(f"http://{LOOPBACK}:{port}{path}", timeout=_SECONDS) as answer:
        accounts = json.load(answer)["messages"]
    mails = [_mail(row) for rows in accounts.values() for row in rows]
    return sorted(mails, key=lambda mail: mail.sent_at)


def wait_until_sent(
    owner_url: str, say: Callable[[str], object], sleep: Callable[[float], object] = time.sleep
) -> None:
    """Wait while the notifier sends; stop waiting when nothing has moved for ten seconds."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        due, still = _due(connection), 0.0
        if due:
            say(f"{due} messages are being sent")
        while due and still < _PATIENCE:
            sleep(_STEP)
            before, due = due, _due(connection)
            still = still + _STEP if due == before else 0.0


def _due(connection: psycopg.Connection) -> int:
    row = connection.execute(
        "select count(*) from messages"
        " where state = 'sending' or (state = 'pending' and due_at <= clock_timestamp())"
    ).fetchone()
    return row[0] if row else 0


def _mail(row: Mapping[str, Any]) -> Mail:
    return Mail(
        tuple(row["To"]),
        row["Subject"],
        row["BodyText"] or "",
        row["BodyHtml"] or "",
        datetime.fromtimestamp(row["Timestamp"], UTC),
    )
