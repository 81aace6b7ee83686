"""Verifies people's Supabase tokens (JWT) with the project's public keys or its legacy secret.

A token's header names an algorithm, and the header alone is not trusted: HS256 is accepted only
with the legacy secret, ES256 and RS256 only with the public key that the token's key id names.

Sources: RFC 8725 (best current practices for JWT); Supabase's documentation, "JWT signing keys".
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any, cast
from uuid import UUID

import jwt

from api.authentication import Unauthenticated
from mentor_pause.errors import JwksUnavailable

_PUBLIC_KEY_ALGORITHMS = ("ES256", "RS256")
_LEGACY_ALGORITHM = "HS256"
_AUDIENCE = ROLE = "authenticated"
_LEEWAY_SECONDS = 5
_REFRESH_SECONDS = 600.0
_MAX_AGE_SECONDS = 3600.0
"""Keys that cannot be read again stay valid for this long: a revoked key must stop working."""

_BACKOFF_SECONDS = 5.0
"""After a failed read, the next read waits for this long."""

_UNKNOWN_KEY_SECONDS = 30.0
"""An unknown key id causes a new read, but at most one within this time."""


@dataclass(slots=True)
class SigningKeys:
    """A project's public keys (JWKS), read when needed and kept for ten minutes."""

    fetch: Callable[[], object]
    """Reads the JWKS document."""
    clock: Callable[[], float]
    """Returns seconds from a monotonic clock."""
    _keys: dict[str, jwt.PyJWK] = field(default_factory=dict[str, jwt.PyJWK], init=False)
    _read_at: float | None = field(default=None, init=False)
    _failed_at: float | None = field(default=None, init=False)
    _failure: JwksUnavailable | None = field(default=None, init=False)

    def find(self, key_id: object) -> jwt.PyJWK | None:
        """Return the key with that id.

        Raises:
            JwksUnavailable: the keys cannot be read, and no earlier ones are valid any more.
        """
        if self._should_read(str(key_id)):
            self._read()
        if self._age_of(self._read_at) >= _MAX_AGE_SECONDS:
            raise JwksUnavailable(f"the project's keys cannot be read: {self._failure}")
        return self._keys.get(str(key_id))

    def _should_read(self, key_id: str) -> bool:
        age = self._age_of(self._read_at)
        is_due = age >= _REFRESH_SECONDS
        is_unknown = key_id not in self._keys and age >= _UNKNOWN_KEY_SECONDS
        return (is_due or is_unknown) and self._age_of(self._failed_at) >= _BACKOFF_SECONDS

    def _read(self) -> None:
        try:
            self._keys = _parse_keys(self.fetch())
            self._read_at = self.clock()
        except JwksUnavailable as error:  # the keys from the last read stay in use
            self._failure = error
            self._failed_at = self.clock()

    def _age_of(self, moment: float | None) -> float:
        return inf if moment is None else self.clock() - moment


def _parse_keys(document: object) -> dict[str, jwt.PyJWK]:
    if document == {"keys": []}:
        return {}  # a project that has only its legacy secret
    try:
        keys = jwt.PyJWKSet.from_dict(cast("dict[str, Any]", document)).keys
        return {str(key.key_id): key for key in keys if key.key_type in ("EC", "RSA")}
    except Exception as error:
        raise JwksUnavailable("the project's keys are not a JWKS document") from error


@dataclass(frozen=True, slots=True)
class TokenVerifier:
    """Verifies the tokens of one project."""

    issuer: str
    """The project's `https://.../auth/v1`."""
    keys: SigningKeys
    legacy_secret: str | None = field(repr=False)

    def verify(self, token: str) -> UUID:
        """Return the id of the signed-in person that the token belongs to.

        Raises:
            Unauthenticated: the token is not valid, has expired, or does not belong to a person.
            JwksUnavailable: the project's keys cannot be read now.
        """
        try:
            claims = self._read_claims(token)
            user_id = UUID(claims["sub"])
        except (Unauthenticated, JwksUnavailable):
            raise
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("the token has expired") from None
        except Exception:  # noqa: BLE001 - hostile input may raise anything in a parser
            raise Unauthenticated("the token is not valid") from None
        if claims["role"] != ROLE or claims.get("is_anonymous"):
            raise Unauthenticated("the token does not belong to a signed-in person")
        return user_id

    def _read_claims(self, token: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        key, algorithm = self._choose_key(header)
        return jwt.decode(
            token, key, algorithms=[algorithm], issuer=self.issuer, audience=_AUDIENCE,
            leeway=_LEEWAY_SECONDS, options={"require": ["exp", "iss", "aud", "sub", "role"]},
        )  # fmt: skip

    def _choose_key(self, header: dict[str, Any]) -> tuple[Any, str]:
        algorithm = header.get("alg")
        if algorithm == _LEGACY_ALGORITHM and self.legacy_secret is not None:
            return self.legacy_secret, _LEGACY_ALGORITHM
        is_public = algorithm in _PUBLIC_KEY_ALGORITHMS
        key = self.keys.find(header.get("kid")) if is_public else None
        if key is None:
            raise Unauthenticated("the token is not signed by a key of this project")
        return key.key, str(algorithm)
