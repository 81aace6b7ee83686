"""Who calls (D3): a machine with the scheduler secret, or a person with a token of the project.

Everything here happens before a request's body is read and before anything is written.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, cast
from uuid import UUID

from mentor_pause.errors import MentorPauseError

_LONGEST = 8192
"""Characters of a credential; a token of a person has some hundreds."""


class Unauthenticated(MentorPauseError):
    """The credential does not prove a caller; the message says why and never repeats it."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody whose credential has been verified."""

    user_id: UUID | None
    """None: a machine."""

    @property
    def name(self) -> str:
        """How the execution log names them."""
        return f"user {self.user_id}" if self.user_id else "machine"


MACHINE = Caller(user_id=None)


class Authenticate:
    """Tells whose a credential is."""

    def __init__(self, machine_secrets: Sequence[str], user_of: Callable[[str], UUID]) -> None:
        """`user_of` verifies a token, and raises `Unauthenticated` where it is not valid."""
        self._machine_secrets = tuple(_digest(secret) for secret in machine_secrets)
        self._user_of = user_of

    def __call__(self, credential: str) -> Caller:
        """Return who calls.

        Raises:
            Unauthenticated: the credential proves nothing.
        """
        # Digests are of one length, and all are compared: the time taken tells nothing.
        given = _digest(credential)
        matches = [hmac.compare_digest(given, secret) for secret in self._machine_secrets]
        if any(matches):
            return MACHINE
        return Caller(self._user_of(credential))


def credential_of(event: Mapping[str, Any]) -> str:
    """Return the credential of `Authorization: Bearer CREDENTIAL`, whoever's it is.

    Raises:
        Unauthenticated: there is not exactly one such header, or it cannot be a credential.
    """
    headers = header_values(event, "authorization")
    if len(headers) != 1:
        raise Unauthenticated("exactly one Authorization header is needed")
    scheme, _, credential = headers[0].strip().partition(" ")
    credential = credential.strip()
    if scheme.lower() != "bearer" or not credential:
        raise Unauthenticated("the Authorization header must be: Bearer CREDENTIAL")
    if len(credential) > _LONGEST or not credential.isascii():
        raise Unauthenticated("the credential is not a token")
    return credential


def header_values(event: Mapping[str, Any], wanted: str) -> list[str]:
    """Return every value of a header, by its name in lower case, in an event of API Gateway."""
    several = cast("Mapping[str, Sequence[str]]", event.get("multiValueHeaders") or {})
    single = cast("Mapping[str, str]", event.get("headers") or {})
    found = [v for name, vs in several.items() if name.lower() == wanted for v in vs]
    return found or [v for name, v in single.items() if name.lower() == wanted]


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()
