"""Sends one e-mail through Amazon SES v2, and says whether SES took it (W4).

SES has no idempotency key, so an e-mail whose answer was lost must not be sent again. Each failure
is therefore one of two: SES did not take the e-mail (`NotTaken`), or nobody knows (`NoAnswer`).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
)

from mentor_pause.aws.error_codes import error_code
from mentor_pause.errors import MentorPauseError

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

type Refusal = Literal["rate", "quota", "account", "message"]
"""What SES refuses, and so what to do.

`rate`: too many at once; send the same e-mail in a moment. `quota`: no more e-mails today.
`account`: every e-mail would fail, until a person has changed what the code names. `message`: this
e-mail, for example because of its address.
"""

_RATE_CODES = {"TooManyRequestsException", "ThrottlingException", "Throttling"}
_MESSAGE_CODES = {"MessageRejected", "BadRequestException", "ParamValidationError"}
_QUOTA_TEXT = "daily message quota"
_SERVER_ERROR = 500

TAG = "digest"
"""The tag by which SES's events name the digest. Recipients do not see it."""


class NotTaken(MentorPauseError):
    """SES did not take the e-mail and will not send it."""

    def __init__(self, refusal: Refusal, code: str) -> None:
        super().__init__(f"SES did not take the e-mail: {code}")
        self.refusal: Refusal = refusal
        self.code = code
        """The code of SES or the name of the SDK's error."""


class NoAnswer(MentorPauseError):
    """SES may have taken the e-mail; its answer did not come."""

    def __init__(self, code: str) -> None:
        super().__init__(f"SES did not answer: {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail without its addresses. The subject is one line."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Quota:
    """How much SES sends for this account."""

    per_second: float
    left_today: float
    """E-mails that SES still takes within 24 hours; infinite if SES sets no limit."""
    is_enabled: bool = True
    """Whether SES sends at all for this account."""


@dataclass(frozen=True, slots=True)
class Mailer:
    """Sends e-mails from one address."""

    client: "SESV2Client"
    sender: str
    configuration_set: str

    def quota(self) -> Quota | None:
        """Return how much SES sends; None: it could not be asked."""
        try:
            account = self.client.get_account()
        except (ClientError, BotoCoreError):
            return None
        quota = account.get("SendQuota", {})
        limit = quota.get("Max24HourSend", 0.0)
        left = limit - quota.get("SentLast24Hours", 0.0) if limit >= 0 else float("inf")
        rate = quota.get("MaxSendRate", 1.0)
        return Quota(rate, left, is_enabled=account.get("SendingEnabled", True))

    def send(self, email: str, mail: Mail, digest_id: UUID) -> str:
        """Send one e-mail and return SES's id of it.

        Raises:
            NotTaken: SES did not take it, so it can be sent again.
            NoAnswer: SES may have taken it.
        """
        try:
            answer = self.client.send_email(
                FromEmailAddress=self.sender,
                Destination={"ToAddresses": [_in_ascii(email)]},
                Content={
                    "Simple": {
                        "Subject": {"Data": mail.subject, "Charset": "UTF-8"},
                        "Body": {
                            "Text": {"Data": mail.text, "Charset": "UTF-8"},
                            "Html": {"Data": mail.html, "Charset": "UTF-8"},
                        },
                        # Out-of-office programs do not answer such an e-mail (RFC 3834).
                        "Headers": [{"Name": "Auto-Submitted", "Value": "auto-generated"}],
                    }
                },
                ConfigurationSetName=self.configuration_set,
                EmailTags=[{"Name": TAG, "Value": str(digest_id)}],
            )
        except ClientError as error:
            raise _failure(error) from error
        except (ConnectTimeoutError, EndpointConnectionError) as error:
            raise NotTaken("rate", error_code(error)) from error
        except HTTPClientError as error:  # the connection ended, or no answer came in time
            raise NoAnswer(error_code(error)) from error
        except BotoCoreError as error:  # before the request left
            code = error_code(error)
            raise NotTaken("message" if code in _MESSAGE_CODES else "account", code) from error
        return answer["MessageId"]


def _failure(error: ClientError) -> NotTaken | NoAnswer:
    code = error_code(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    message = str(error.response.get("Error", {}).get("Message", "")).lower()
    if _QUOTA_TEXT in message:
        return NotTaken("quota", code)
    if code in _RATE_CODES:
        return NotTaken("rate", code)
    if status >= _SERVER_ERROR:
        return NoAnswer(code)
    return NotTaken("message" if code in _MESSAGE_CODES else "account", code)


def _in_ascii(email: str) -> str:
    """Return an address with its domain as SES takes it: a domain with `ø` in its ASCII form.

    Raises:
        NotTaken: the domain has no such form.
    """
    local, _, domain = email.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError as error:
        raise NotTaken("message", "InvalidDomain") from error
