"""An SES that keeps what it takes, refuses some e-mails, and answers some others not at all."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from botocore.exceptions import ClientError, ReadTimeoutError

from mentor_pause.aws.mailer import TAG
from mentor_pause.aws.mailer import Mail as Rendered
from notify.digest import Digest
from notify.render import Renderer
from year.warnings.dice import DEAD
from year.warnings.records import Mail

CONSOLE = "https://console.example.org/"
_GREETINGS = {"nb": "Hei,", "en": "Hello,"}
_REFUSED, _DEADLY, _UNKNOWN = 0.002, 0.003, 0.004
"""Of 1,000 e-mails SES refuses two and does not answer two. One of these ends the notifier."""
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}")


class Died(Exception):
    """The notifier died: it has no answer, and nobody notes that."""


@dataclass(frozen=True)
class Fates:
    """What becomes of the e-mails of one moment. The oracle asks, and the mailbox does it."""

    seed: int
    moment: datetime
    failures: float = 1.0
    """Multiplies how many fail."""

    def __call__(self, email: str) -> str:
        """Return sent, bounced, refused or unknown."""
        if email.startswith(DEAD):
            return "bounced"
        share = self._share(email)
        return "refused" if share < _REFUSED else "unknown" if share < _UNKNOWN else "sent"

    def dies(self, email: str) -> bool:
        """Whether the notifier dies over this e-mail, if it has not died before; then unknown."""
        return _REFUSED <= self._share(email) < _DEADLY

    def _share(self, email: str) -> float:
        drawn = random.Random(f"{self.seed} {self.moment} {email}").random()  # noqa: S311
        return drawn / self.failures


@dataclass(frozen=True)
class Sent:
    """An e-mail, and the digest that it was rendered from."""

    digest: Digest
    subject: str
    text: str
    html: str

    @property
    def mail(self) -> Mail:
        """The content, as the oracle writes it."""
        d = self.digest
        return Mail(
            d.email, d.language, d.day, d.own_paused_on, d.own_expires_on,
            d.paused_count, d.expiring_count, d.first_expires_on, d.unreachable_count,
        )  # fmt: skip

    def faults(self) -> Iterator[str]:
        """Yield the faults of its text (W3, W5)."""
        d = self.digest
        if (
            not self.text.startswith(_GREETINGS[d.language])
            or f'lang="{d.language}"' not in self.html
        ):
            yield "it is in another language"
        if _ID.search(self.text) or "@" in self.text:
            yield "it holds an id or an address"
        words = set(re.findall(r"\w+", self.text))
        for count in (d.paused_count, d.expiring_count, d.unreachable_count):
            if count and str(count) not in words:
                yield f"it does not say {count}"
        if CONSOLE not in self.text:
            yield "it has no link"


@dataclass
class Mailbox:
    """The client of SES, and the renderer whose digests it keeps."""

    fates: Fates
    may_die: bool = True
    sent: dict[UUID, Sent] = field(default_factory=dict[UUID, Sent])
    bounced: list[UUID] = field(default_factory=list[UUID])
    _renderer: Renderer = field(default_factory=lambda: Renderer(CONSOLE))
    _digests: dict[UUID, Digest] = field(default_factory=dict[UUID, Digest])

    def open(self, fates: Fates) -> None:
        """Begin another moment."""
        self.fates, self.may_die = fates, True
        self.sent.clear()
        self.bounced.clear()
        self._digests.clear()

    def render(self, digest: Digest) -> Rendered:
        """Render a digest, and keep it."""
        self._digests[digest.digest_id] = digest
        return self._renderer.render(digest)

    def get_account(self) -> dict[str, Any]:
        """Answer as SES v2 does: no limits."""
        return {"SendQuota": {"Max24HourSend": -1.0, "MaxSendRate": 1e6, "SentLast24Hours": 0.0}}

    def send_email(self, **asked: Any) -> dict[str, str]:
        """Answer as SES v2 does."""
        (email,), (tag,) = asked["Destination"]["ToAddresses"], asked["EmailTags"]
        assert tag["Name"] == TAG
        digest_id, fate = UUID(tag["Value"]), self.fates(email)
        if fate == "refused":
            raise ClientError({"Error": {"Code": "MessageRejected", "Message": "no"}}, "SendEmail")
        content = asked["Content"]["Simple"]
        assert self._digests[digest_id].email == email
        self.sent[digest_id] = Sent(
            self._digests[digest_id],
            content["Subject"]["Data"],
            content["Body"]["Text"]["Data"],
            content["Body"]["Html"]["Data"],
        )
        if fate == "unknown":
            if self.may_die and self.fates.dies(email):
                self.may_die = False
                raise Died
            raise ReadTimeoutError(endpoint_url="https://email.example.org")
        if fate == "bounced":
            self.bounced.append(digest_id)
        return {"MessageId": f"m-{digest_id}"}
