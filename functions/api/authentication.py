"""Authenticates callers (D3): a machine by the scheduler secret, a person by a Supabase token.

Authentication comes before the request's body is read and before anything is written.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, cast
from uuid import UUID

from mentor_pause.errors import MentorPauseError

_MAX_CREDENTIAL_LENGTH = 8192
"""Characters. A person's token has some hundreds."""


class Unauthenticated(MentorPauseError):
    """The credential is missing or not valid; the message says why and never repeats it."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller whose credential has been verified."""

    user_id: UUID | None
    """None: a machine."""

    @property
    def name(self) -> str:
        """The caller's name in the execution log."""
        return f"user {self.user_id}" if self.user_id else "machine"


MACHINE = Caller(user_id=None)


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Verifies credentials."""

    machine_secrets: Sequence[str] = field(repr=False)
    verify_token: Callable[[str], UUID]
    """Returns the user id of a person's token; raises `Unauthenticated` if it is not valid."""

    def __call__(self, credential: str) -> Caller:
        """Return the caller that a credential belongs to.

        Raises:
            Unauthenticated: the credential is neither a machine's secret nor a valid token.
        """
        # Digests have one length, and every secret is compared: the time taken reveals nothing.
        given = _digest(credential)
        matches = [hmac.compare_digest(given, _digest(s)) for s in self.machine_secrets]
        if any(matches):
            return MACHINE
        return Caller(self.verify_token(credential))


def read_credential(event: Mapping[str, Any]) -> str:
    """Return the credential from the header `Authorization: Bearer CREDENTIAL`, not yet verified.

    Raises:
        Unauthenticated: the header is missing, comes more than once, or has another form.
    """
    headers = header_values(event, "authorization")
    if len(headers) != 1:
        raise Unauthenticated("send exactly one Authorization header")
    scheme, _, credential = headers[0].strip().partition(" ")
    credential = credential.strip()
    if scheme.lower() != "bearer" or not credential:
        raise Unauthenticated("the Authorization header must be: Bearer CREDENTIAL")
    if len(credential) > _MAX_CREDENTIAL_LENGTH or not credential.isascii():
        raise Unauthenticated("the credential is not a token")
    return credential


def header_values(event: Mapping[str, Any], name: str) -> list[str]:
    """Return every value of a header in an API Gateway event; `name` is in lower case."""
    several = cast("Mapping[str, Sequence[str]]", event.get("multiValueHeaders") or {})
    single = cast("Mapping[str, str]", event.get("headers") or {})
    values = [v for header, vs in several.items() if header.lower() == name for v in vs]
    return values or [v for header, v in single.items() if header.lower() == name]


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()
