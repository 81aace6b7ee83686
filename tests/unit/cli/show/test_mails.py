"""The mails of the local stack are shown as text (W3)."""

from datetime import UTC, datetime

import pytest

from cli.show.mails import show_mails
from local.mail import Mail

MOMENT = datetime(2026, 11, 26, 2, 0, 9, tzinfo=UTC)


def test_a_mail_is_shown_with_its_recipient_subject_and_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An empty line separates two mails; the HTML text is left out."""
    first = Mail(("kari@example.com",), "Hei", "Én linje.\n\nEn lenke.\n", "<p>HTML</p>", MOMENT)
    second = Mail(("ola@example.com",), "Hello", "A line.", "", MOMENT)
    show_mails([first, second])
    assert capsys.readouterr().out.splitlines() == [
        "To: kari@example.com", "Subject: Hei", "Sent (UTC): 2026-11-26 02:00:09", "",
        "Én linje.", "", "En lenke.", "",
        "To: ola@example.com", "Subject: Hello", "Sent (UTC): 2026-11-26 02:00:09", "",
        "A line.",
    ]  # fmt: skip


def test_no_mail_is_said_with_the_next_command(capsys: pytest.CaptureFixture[str]) -> None:
    """The messages may be there although no mail was sent."""
    show_mails([])
    shown = capsys.readouterr().out
    assert shown.startswith("the local stack has sent no mail")
    assert shown.endswith("mentor-pause messages\n")
