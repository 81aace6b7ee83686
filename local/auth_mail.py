"""Sends the code of a sign-in, through the emulator of SES, as the project's mail template does."""

from html import escape
from typing import Any

SENDER = "ingen-svar@example.com"
SUBJECT = "Koden din er {code} / Your code is {code}"
TEXT = """\
Koden din er {code}

Skriv den på siden der du ba om den. Den gjelder i ti minutter, og bare én gang.
Har du ikke bedt om en kode, kan du se bort fra denne e-posten.

Your code is {code}

Type it on the page where you asked for it. It is valid for ten minutes, and only once.
If you did not ask for a code, you can ignore this e-mail.
"""


class Mailer:
    """Sends codes to people."""

    def __init__(self, endpoint: str | None) -> None:
        """`endpoint` is the emulator's URL; None: nothing is sent."""
        self._endpoint, self._client = endpoint, None

    def send(self, address: str, code: str) -> None:
        """Send a code to an address.

        Raises:
            ClientError, BotoCoreError: SES does not accept it, or does not answer.
        """
        if self._endpoint is None:
            return
        text = TEXT.format(code=code)
        self._ses(self._endpoint).send_email(
            FromEmailAddress=SENDER,
            Destination={"ToAddresses": [address]},
            Content={
                "Simple": {
                    "Subject": {"Data": SUBJECT.format(code=code)},
                    "Body": {"Text": {"Data": text}, "Html": {"Data": _html(text)}},
                }
            },
        )

    def _ses(self, endpoint: str) -> Any:
        if self._client is None:
            import boto3  # noqa: PLC0415 - takes 0.2 s, and only a mail needs it

            from local.emulator import REGION  # noqa: PLC0415

            session: Any = boto3.Session("test", "test", region_name=REGION)
            self._client = session.client("sesv2", endpoint_url=endpoint)
        return self._client


def _html(text: str) -> str:
    return "".join(
        f"<p>{escape(part).replace(chr(10), '<br>')}</p>" for part in text.strip().split("\n\n")
    )
