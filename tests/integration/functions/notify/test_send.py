"""The notifier sends what is due, once (W3, W4)."""

from datetime import timedelta

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from notify.send import LAST_SECONDS
from support.post_office import (
    SOON,
    Notifier,
    a_day_later,
    add_contact,
    add_member_contact,
    states,
    today,
    warned,
)
from support.roster import ORG, Roster


def refusal(code: str, message: str = "no", status: int = 400) -> ClientError:
    """Return an error that SES answers."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},
        },  # pyright: ignore[reportArgumentType]
        "SendEmail",
    )


def test_each_person_gets_one_letter_in_their_language(notifier: Notifier, roster: Roster) -> None:
    """W3: the mentors, and their coordinator once for all of them."""
    warned(roster, 2)
    coordinator = roster.add_coordinator(chapters=[roster.chapter_id])
    add_member_contact(roster, coordinator, "ola@example.com")
    roster.add_mentor(today(roster) + SOON)  # without an address
    roster.db.execute("select write_warnings(%s, %s)", (ORG, today(roster)))
    report = notifier.send()
    letters = {letter.to: letter for letter in notifier.office.letters}
    assert letters.keys() == {"m0@example.com", "m1@example.com", "ola@example.com"}
    assert letters["m0@example.com"].text.startswith("Hei")
    assert letters["m1@example.com"].text.startswith("Hello")
    assert "1 person" in letters["ola@example.com"].text
    assert (report.sent, report.stopped_by) == (3, "nothing_due")
    assert sorted(states(roster)) == ["no_address", "sent", "sent", "sent"]


def test_a_second_notifier_finds_nothing(notifier: Notifier, roster: Roster) -> None:
    """W3: and on the same day a person's later messages wait."""
    warned(roster, 1)
    assert notifier.send().sent == 1
    assert notifier.send().sent == 0
    roster.db.execute("delete from warnings")
    roster.db.execute("select write_warnings(%s, %s)", (ORG, today(roster)))
    assert notifier.send().sent == 0
    assert states(roster) == ["sent", "pending"]
    a_day_later(roster)
    roster.db.execute("update messages set due_at = now()")
    assert notifier.send().sent == 1
    assert [letter.to for letter in notifier.office.letters] == ["m0@example.com"] * 2


def test_the_request_holds_no_tracking_and_names_the_digest(
    notifier: Notifier, roster: Roster
) -> None:
    """W4, W5: the tag by which SES's events name the digest; the recipient does not see it."""
    warned(roster, 1)
    notifier.send()
    (request,) = notifier.office.requests
    (row,) = roster.rows("select * from digests")
    assert request["EmailTags"] == [{"Name": "digest", "Value": str(row["id"])}]
    assert request["ConfigurationSetName"] == "events"
    assert row["provider_message_id"] == "m-1"
    assert "m0@example.com" not in notifier.output.getvalue()


@pytest.mark.parametrize("code", ["TooManyRequestsException", "ThrottlingException"])
def test_a_throttled_letter_is_sent_again(notifier: Notifier, roster: Roster, code: str) -> None:
    """W4: after a wait, and once."""
    warned(roster, 2)
    notifier.office.failures = [refusal(code, status=429), refusal(code, status=429)]
    assert notifier.send().sent == 2
    assert notifier.time.now >= 3
    assert len(notifier.office.letters) == 2


def test_a_throttle_that_does_not_end_stops_the_notifier(
    notifier: Notifier, roster: Roster
) -> None:
    """W4: nothing is lost, and a later notifier sends it."""
    warned(roster, 2)
    notifier.office.failures = [refusal("TooManyRequestsException")] * 5
    report = notifier.send()
    assert (report.sent, report.refused, report.stopped_by) == (0, 1, "rate")
    assert states(roster) == ["pending", "pending"]
    roster.db.execute("update messages set due_at = now()")
    assert notifier.send().sent == 2


def test_the_rate_and_the_quota_of_the_account_are_obeyed(
    notifier: Notifier, roster: Roster
) -> None:
    """W4: two a second, and no more than are left today."""
    warned(roster, 5)
    office = notifier.office
    office.per_second, office.per_day, office.sent_today = 2.0, 200.0, 196.0
    report = notifier.send()
    assert (report.sent, report.stopped_by) == (4, "quota")
    assert notifier.time.now == pytest.approx(1.5)
    office.sent_today = 0
    assert notifier.send().sent == 1


def test_a_daily_quota_that_is_used_up_stops_the_notifier(
    notifier: Notifier, roster: Roster
) -> None:
    """W4: SES names it in the text of a throttle."""
    warned(roster, 2)
    notifier.office.failures = [refusal("ThrottlingException", "Daily message quota exceeded.")]
    report = notifier.send()
    assert (report.sent, report.stopped_by) == (0, "quota")
    assert states(roster) == ["pending", "pending"]


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (refusal("SendingPausedException"), "SendingPausedException"),
        (refusal("AccessDeniedException", status=403), "AccessDeniedException"),
        (refusal("MailFromDomainNotVerifiedException"), "MailFromDomainNotVerifiedException"),
        (refusal("NotFoundException", status=404), "NotFoundException"),
    ],
)
def test_a_fault_of_the_account_is_nobodys_fault(
    notifier: Notifier, roster: Roster, failure: ClientError, code: str
) -> None:
    """W4: the messages wait, and the report names SES's code."""
    warned(roster, 2)
    notifier.office.failures = [failure]
    report = notifier.send()
    assert (report.sent, report.stopped_by, report.code) == (0, "account", code)
    assert states(roster) == ["pending", "pending"]


def test_an_account_that_may_not_send_is_asked_first(notifier: Notifier, roster: Roster) -> None:
    """W4: no digest begins."""
    warned(roster, 1)
    notifier.office.is_enabled = False
    report = notifier.send()
    assert (report.stopped_by, report.code) == ("account", "SendingDisabled")
    assert notifier.office.requests == []


def test_one_refused_letter_does_not_stop_the_others(notifier: Notifier, roster: Roster) -> None:
    """W4: it waits for an hour."""
    warned(roster, 3)
    notifier.office.failures = [refusal("MessageRejected")]
    report = notifier.send()
    assert (report.sent, report.refused, report.stopped_by) == (2, 1, "nothing_due")
    assert sorted(states(roster)) == ["pending", "sent", "sent"]
    (row,) = roster.rows("select due_at - now() as wait from messages where state = 'pending'")
    assert timedelta(minutes=49) < row["wait"] <= timedelta(minutes=50)


def test_refusals_in_a_row_stop_the_notifier(notifier: Notifier, roster: Roster) -> None:
    """W4: as in the sandbox, where SES refuses every recipient whom it has not verified."""
    warned(roster, 5)
    notifier.office.failures = [refusal("MessageRejected")] * 5
    report = notifier.send()
    assert (report.refused, report.stopped_by, report.code) == (3, "refused", "MessageRejected")


@pytest.mark.parametrize(
    "failure",
    [
        ReadTimeoutError(endpoint_url="https://ses"),
        ConnectionClosedError(endpoint_url="https://ses"),
        refusal("InternalServiceErrorException", status=500),
    ],
)
def test_a_letter_without_an_answer_is_not_sent_again(
    notifier: Notifier, roster: Roster, failure: Exception
) -> None:
    """W4: SES has no idempotency key, and may have taken it."""
    warned(roster, 2)
    notifier.office.failures = [failure]
    report = notifier.send()
    assert (report.sent, report.unknown) == (1, 1)
    assert sorted(states(roster)) == ["sent", "unknown"]
    a_day_later(roster)
    assert notifier.send().sent == 0


def test_ses_that_cannot_be_reached_did_not_take_it(notifier: Notifier, roster: Roster) -> None:
    """W4: the connection was never made."""
    warned(roster, 1)
    notifier.office.failures = [EndpointConnectionError(endpoint_url="https://ses")]
    assert notifier.send().sent == 1
    assert states(roster) == ["sent"]


def test_a_domain_with_norwegian_letters_is_sent_in_its_ascii_form(
    notifier: Notifier, roster: Roster
) -> None:
    """W3: SES takes addresses in ASCII."""
    mentor = roster.add_mentor(today(roster) + SOON)
    add_contact(roster, mentor, "kari@blåbær.no")
    roster.db.execute("select write_warnings(%s, %s)", (ORG, today(roster)))
    notifier.send()
    assert [letter.to for letter in notifier.office.letters] == ["kari@xn--blbr-roah.no"]


def test_without_a_sender_nothing_is_sent(notifier: Notifier, roster: Roster) -> None:
    """W4: the rows are there, and old ones become outdated."""
    warned(roster, 2)
    notifier.mailer = None
    assert notifier.send().stopped_by == "no_sender"
    assert states(roster) == ["pending", "pending"]
    a_day_later(roster, 8)
    assert notifier.send().outdated == 2
    assert states(roster) == ["outdated", "outdated"]


def test_a_notifier_whose_time_ends_asks_for_another(notifier: Notifier, roster: Roster) -> None:
    """W3: it begins no digest that it could not finish."""
    warned(roster, 3)
    left = iter([300.0, 300.0, LAST_SECONDS - 1])
    report = notifier.send(lambda: next(left))
    assert (report.sent, report.stopped_by, report.is_left) == (2, "time", True)
    assert notifier.send().sent == 1
