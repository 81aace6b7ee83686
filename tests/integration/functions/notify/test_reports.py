"""The notifier counts and logs the digests that do not leave (W4, W7)."""

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from mentor_pause.aws.mailer import Mail
from notify.digest import Digest
from support.post_office import Notifier, states, warned
from support.roster import Roster


def refusal(code: str) -> ClientError:
    """Return an error that SES answers."""
    answer = {"Error": {"Code": code, "Message": "no"}}
    return ClientError(answer, "SendEmail")  # pyright: ignore[reportArgumentType]


def test_a_digest_that_cannot_be_rendered_is_refused_and_its_messages_wait(
    notifier: Notifier, roster: Roster
) -> None:
    """W3, W5: for an hour; the others are sent, and the log line does not say whom it was for."""
    mentors = warned(roster, 3)
    render = notifier.render

    def refuse_the_first(digest: Digest) -> Mail:
        if digest.email == "m0@example.com":
            raise ValueError(f"no text for {digest.email}")
        return render(digest)

    notifier.render = refuse_the_first
    report = notifier.send()
    assert (report.sent, report.refused, report.code) == (2, 1, "not rendered")
    assert sorted(states(roster)) == ["pending", "sent", "sent"]
    assert len(notifier.office.requests) == 2
    (row,) = roster.rows(
        "select person_id, due_at - now() as wait from messages where state = 'pending'"
    )
    assert row["person_id"] == mentors[0]
    assert timedelta(minutes=49) < row["wait"] <= timedelta(minutes=50)
    (line,) = notifier.lines("digest not rendered")
    assert (line["level"], line["reason"]) == ("ERROR", "ValueError")
    assert "@" not in notifier.output.getvalue()


def test_an_unknown_digest_counts_towards_the_quota(notifier: Notifier, roster: Roster) -> None:
    """W4: SES may have taken it."""
    warned(roster, 3)
    office = notifier.office
    office.per_day, office.sent_today = 200.0, 198.0
    office.failures = [ReadTimeoutError(endpoint_url="https://ses")]
    report = notifier.send()
    assert (report.sent, report.unknown, report.stopped_by) == (1, 1, "quota")
    assert sorted(states(roster)) == ["pending", "sent", "unknown"]


@pytest.mark.parametrize(
    ("codes", "stop", "level"),
    [
        ([], "nothing_due", "INFO"),
        (["MessageRejected"] * 2, "nothing_due", "INFO"),
        (["TooManyRequestsException"] * 5, "rate", "INFO"),
        (["SendingPausedException"], "account", "ERROR"),
        (["MessageRejected"] * 3, "refused", "ERROR"),
    ],
)
def test_a_stop_that_needs_a_person_is_logged_as_an_error(
    notifier: Notifier, roster: Roster, codes: list[str], stop: str, level: str
) -> None:
    """W7: the line names the last code of SES. A later notifier ends the other stops by itself."""
    warned(roster, 4)
    notifier.office.failures = [refusal(code) for code in codes]
    notifier.send()
    (line,) = notifier.lines("messages sent")
    assert (line["stopped_by"], line["level"]) == (stop, level)
    assert [line["code"]] == codes[-1:] if codes else "code" not in line
