"""The codes that the stand-in for Supabase Auth has sent, and its limits.

Sources: the repository supabase/auth, `internal/api/mail.go` (one code at a time, and a pause
before the next one), `internal/api/verify.go` (how long a code is valid), and
`internal/api/apilimiter/apilimiter.go` (30 requests within 5 minutes). Supabase counts requests by
the caller's address; here all callers have the same one, as all visitors of the console do.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, cast
from uuid import UUID

from local.auth_errors import AuthError

_LIMIT_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Settings:
    """What a project's operator can set; the defaults are Supabase's."""

    token_seconds: int = 3600
    code_seconds: int = 600
    seconds_between_codes: int = 60
    otp_limit: int = 30
    """Requests for a code within 5 minutes."""
    verify_limit: int = 30
    """Attempts to sign in within 5 minutes, right or wrong."""


@dataclass(slots=True)
class _Sent:
    code: str
    at: float


@dataclass(slots=True)
class Codes:
    """The newest code of each person."""

    settings: Settings = field(default_factory=Settings)
    clock: Callable[[], float] = time.time
    _sent: dict[UUID, _Sent] = field(default_factory=dict[UUID, _Sent])
    _sent_at: dict[UUID, float] = field(default_factory=dict[UUID, float])
    _requests: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def change(self, values: Any) -> None:
        """Change settings, and forget all requests and codes of before.

        Raises:
            ValueError: a setting does not exist, or a value is not a number.
        """
        names = [each.name for each in fields(Settings)]
        given: dict[Any, Any] = (
            cast("dict[Any, Any]", values) if isinstance(values, dict) else {"": 0}
        )
        if not all(name in names and type(value) is int for name, value in given.items()):
            raise ValueError(f"the settings are {', '.join(names)}, and each is a whole number")
        self.settings = replace(self.settings, **values)
        self._sent.clear()
        self._sent_at.clear()
        self._requests.clear()

    def count(self, what: str, limit: int) -> None:
        """Count a request.

        Raises:
            AuthError: there were too many within 5 minutes.
        """
        since = self.clock() - _LIMIT_SECONDS
        recent = [at for at in self._requests.get(what, []) if at > since]
        self._requests[what] = recent
        if len(recent) >= limit:
            raise AuthError("too many requests")
        recent.append(self.clock())

    def assert_may_send(self, user_id: UUID) -> None:
        """Check that the person's last code is old enough.

        Raises:
            AuthError: the person was sent a code just now.
        """
        next_at = self._sent_at.get(user_id, 0.0) + self.settings.seconds_between_codes
        if next_at > self.clock():
            raise AuthError("too soon", int(next_at - self.clock()))

    def make(self, user_id: UUID) -> str:
        """Return a new code; the person's earlier one ends."""
        code = f"{secrets.randbelow(10**8):08}"
        self._sent[user_id] = _Sent(code, self.clock())
        self._sent_at[user_id] = self.clock()
        return code

    def take_back(self, user_id: UUID) -> None:
        """Forget a code that could not be sent, so that the person can ask again at once."""
        self._sent.pop(user_id, None)
        self._sent_at.pop(user_id, None)

    def use(self, user_id: UUID, code: str) -> None:
        """Use up a code.

        Raises:
            AuthError: it is wrong, used or old.
        """
        sent = self._sent.get(user_id)
        if sent is None or sent.code != code:
            raise AuthError("wrong code")
        if self.clock() > sent.at + self.settings.code_seconds:
            raise AuthError("wrong code")
        del self._sent[user_id]
