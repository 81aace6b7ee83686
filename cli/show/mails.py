"""Shows the mails that the local stack has sent."""

from collections.abc import Sequence

from cli.output import headline, result
from cli.show.moments import when
from local.mail import Mail


def show_mails(mails: Sequence[Mail]) -> None:
    """Show each mail as text, in the given order."""
    if not mails:
        result(
            "the local stack has sent no mail since it was started; list the messages that wait"
            " with: mentor-pause messages"
        )
    for number, mail in enumerate(mails):
        if number:
            result("")
        headline(f"To: {', '.join(mail.to)}")
        result(f"Subject: {mail.subject}")
        result(f"Sent (UTC): {when(mail.sent_at)}")
        result("")
        for line in mail.text.strip().splitlines():
            result(line)
