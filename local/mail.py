"""Reads the mails that the local stack has sent: the emulator of SES keeps them in memory."""

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.processes import LOOPBACK

_SECONDS = 10


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


def _mail(row: Mapping[str, Any]) -> Mail:
    return Mail(
        tuple(row["To"]),
        row["Subject"],
        row["BodyText"] or "",
        row["BodyHtml"] or "",
        datetime.fromtimestamp(row["Timestamp"], UTC),
    )
