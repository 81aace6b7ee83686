"""The mailer sends requests to SES and classifies the answers (W4)."""

from math import inf
from typing import Any
from uuid import UUID

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)

from mentor_pause.aws.mailer import Mail, Mailer, NoAnswer, NotTaken, Quota, Refusal

MAIL = Mail("Hei", "Hei på deg", "<p>Hei på deg</p>")
DIGEST = UUID(int=7)
URL = "https://ses"


class StandIn:
    """An SES client that gives one answer."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        """`answer` is returned, or raised."""
        self._answer = answer
        self.requests: list[dict[str, Any]] = []

    def get_account(self) -> dict[str, Any]:
        """Answer."""
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def send_email(self, **request: Any) -> dict[str, Any]:
        """Note the request, and answer."""
        self.requests.append(request)
        return self.get_account()


def mailer(answer: dict[str, Any] | Exception) -> tuple[Mailer, StandIn]:
    """Return a mailer whose client gives this answer, and the client."""
    client = StandIn(answer)
    return Mailer(client, "ingen-svar@example.com", "events"), client  # type: ignore[arg-type]


def refusal(code: str, message: str = "no", status: int = 400) -> ClientError:
    """Return an error that SES answers."""
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "SendEmail")


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (
            {"SendQuota": {"Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": 150.0}},
            Quota(1.0, 50.0),
        ),
        (
            {"SendQuota": {"Max24HourSend": -1.0, "MaxSendRate": 90.0, "SentLast24Hours": 9.0}},
            Quota(90.0, inf),
        ),
        ({"SendingEnabled": False}, Quota(1.0, 0.0, is_enabled=False)),
        (refusal("AccessDeniedException", status=403), None),
        (ReadTimeoutError(endpoint_url=URL), None),
    ],
    ids=["a quota", "no limit", "not enabled", "not allowed", "no answer"],
)
def test_the_quota_of_the_account_is_read(
    account: dict[str, Any] | Exception, expected: Quota | None
) -> None:
    """W4: SES says -1 for an account without a daily limit."""
    assert mailer(account)[0].quota() == expected


def test_a_request_holds_these_fields_and_no_others() -> None:
    """W4, W5, RFC 3834: out-of-office programs do not answer; copies and replies go nowhere."""
    sender, client = mailer({"MessageId": "m-1"})
    assert sender.send("kari@example.com", MAIL, DIGEST) == "m-1"
    assert client.requests == [
        {
            "FromEmailAddress": "ingen-svar@example.com",
            "Destination": {"ToAddresses": ["kari@example.com"]},
            "Content": {
                "Simple": {
                    "Subject": {"Data": "Hei", "Charset": "UTF-8"},
                    "Body": {
                        "Text": {"Data": "Hei på deg", "Charset": "UTF-8"},
                        "Html": {"Data": "<p>Hei på deg</p>", "Charset": "UTF-8"},
                    },
                    "Headers": [{"Name": "Auto-Submitted", "Value": "auto-generated"}],
                }
            },
            "ConfigurationSetName": "events",
            "EmailTags": [{"Name": "digest", "Value": str(DIGEST)}],
        }
    ]


QUOTA_TEXT = "Daily message quota exceeded."


@pytest.mark.parametrize(
    ("failure", "refused", "code"),
    [
        (refusal("TooManyRequestsException", status=429), "rate", "TooManyRequestsException"),
        (refusal("ThrottlingException"), "rate", "ThrottlingException"),
        (refusal("Throttling", "Maximum sending rate exceeded."), "rate", "Throttling"),
        (refusal("ThrottlingException", status=503), "rate", "ThrottlingException"),
        (EndpointConnectionError(endpoint_url=URL), "rate", "EndpointConnectionError"),
        (ConnectTimeoutError(endpoint_url=URL), "rate", "ConnectTimeoutError"),
        (refusal("ThrottlingException", QUOTA_TEXT), "quota", "ThrottlingException"),
        (refusal("LimitExceededException", QUOTA_TEXT), "quota", "LimitExceededException"),
        (refusal("SendingPausedException"), "account", "SendingPausedException"),
        (refusal("AccountSuspendedException"), "account", "AccountSuspendedException"),
        (refusal("MailFromDomainNotVerifiedException"), "account", None),
        (refusal("NotFoundException", status=404), "account", "NotFoundException"),
        (refusal("AccessDeniedException", status=403), "account", "AccessDeniedException"),
        (refusal("ExpiredTokenException", status=403), "account", "ExpiredTokenException"),
        (NoCredentialsError(), "account", "NoCredentialsError"),
        (refusal("MessageRejected"), "message", "MessageRejected"),
        (refusal("BadRequestException"), "message", "BadRequestException"),
        (ParamValidationError(report="too long"), "message", "ParamValidationError"),
    ],
)  # fmt: skip
def test_an_email_that_ses_did_not_take_is_classified(
    failure: Exception, refused: Refusal, code: str | None
) -> None:
    """W4: the classes decide whether this e-mail, or all of them, wait, and for how long."""
    with pytest.raises(NotTaken) as raised:
        mailer(failure)[0].send("kari@example.com", MAIL, DIGEST)
    assert raised.value.refusal == refused
    assert raised.value.code == (code or "MailFromDomainNotVerifiedException")


@pytest.mark.parametrize(
    "failure",
    [
        ReadTimeoutError(endpoint_url=URL),
        ConnectionClosedError(endpoint_url=URL),
        refusal("InternalServiceErrorException", status=500),
        refusal("503", status=503),
    ],
)
def test_an_email_that_ses_may_have_taken_has_no_answer(failure: Exception) -> None:
    """W4: it must not be sent again."""
    with pytest.raises(NoAnswer):
        mailer(failure)[0].send("kari@example.com", MAIL, DIGEST)


@pytest.mark.parametrize("email", ["kari@..no", f"kari@{'a' * 64}.no"])
def test_an_address_whose_domain_has_no_ascii_form_is_refused(email: str) -> None:
    """W3, W4: SES never sees it, and the error does not name it (W5)."""
    sender, client = mailer({"MessageId": "m-1"})
    with pytest.raises(NotTaken) as raised:
        sender.send(email, MAIL, DIGEST)
    assert (raised.value.refusal, raised.value.code) == ("message", "InvalidDomain")
    assert client.requests == []
    assert "kari" not in str(raised.value)
