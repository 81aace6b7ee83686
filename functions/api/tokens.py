"""Verifies Supabase's tokens of people (JWT), by the project's public keys or its legacy secret.

A token says how it is signed, and is not believed: an algorithm that takes a secret is used with
the legacy secret alone, and the others with the public key of the token's key id alone.

Sources: RFC 8725 (best current practices for JWT); Supabase's documentation, "JWT signing keys".
"""

from collections.abc import Callable
from math import inf
from typing import Any, cast
from uuid import UUID

import jwt

from api.callers import Unauthenticated
from mentor_pause.errors import DocumentUnavailable

_WITH_A_KEY = ("ES256", "RS256")
_LEGACY = "HS256"
_AUDIENCE = ROLE = "authenticated"
_LEEWAY_SECONDS = 5
_KEPT_SECONDS = 600.0
_LOST_SECONDS = 3600.0
"""So long keys are good that cannot be read again: one that was taken back must come to its end."""

_BACKOFF_SECONDS = 5.0
"""A login that did not answer is left alone for so long."""

_PATIENCE_SECONDS = 30.0
"""A key that nobody knows makes us look for new ones, but not more often than this."""


class SigningKeys:
    """A project's public keys (JWKS), read when they are needed and kept for ten minutes."""

    def __init__(self, fetch: Callable[[], object], clock: Callable[[], float]) -> None:
        """`fetch` reads the document, `clock` tells seconds that only grow."""
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at: float | None = None
        self._failed_at: float | None = None
        self._failure: DocumentUnavailable | None = None

    def find(self, key_id: object) -> jwt.PyJWK | None:
        """Return the key of that id.

        Raises:
            DocumentUnavailable: there are none, or no good ones any more, and they cannot be read.
        """
        if self._should_read(str(key_id)):
            self._read()
        if self._age_of(self._read_at) >= _LOST_SECONDS:
            raise DocumentUnavailable(f"the project's keys cannot be read: {self._failure}")
        return self._keys.get(str(key_id))

    def _should_read(self, key_id: str) -> bool:
        age = self._age_of(self._read_at)
        wanted = age >= _KEPT_SECONDS or (key_id not in self._keys and age >= _PATIENCE_SECONDS)
        return wanted and self._age_of(self._failed_at) >= _BACKOFF_SECONDS

    def _read(self) -> None:
        try:
            self._keys = _keys(self._fetch())
            self._read_at = self._clock()
        except DocumentUnavailable as error:
            self._failure, self._failed_at = (
                error,
                self._clock(),
            )  # those that we have will do for a while

    def _age_of(self, moment: float | None) -> float:
        return inf if moment is None else self._clock() - moment


def _keys(document: object) -> dict[str, jwt.PyJWK]:
    if document == {"keys": []}:
        return {}  # a project that has its legacy secret only
    try:
        found = jwt.PyJWKSet.from_dict(cast("dict[str, Any]", document)).keys
        return {str(key.key_id): key for key in found if key.key_type in ("EC", "RSA")}
    except Exception as error:
        raise DocumentUnavailable("the project's keys are not a JWKS document") from error


class Tokens:
    """The tokens of one project."""

    def __init__(self, issuer: str, keys: SigningKeys, legacy_secret: str | None) -> None:
        """`issuer` is the project's `https://.../auth/v1`."""
        self._issuer = issuer
        self._keys = keys
        self._legacy_secret = legacy_secret

    def user_of(self, token: str) -> UUID:
        """Return the signed-in person whose token it is.

        Raises:
            Unauthenticated: it is not valid, has expired, or is no person's.
            DocumentUnavailable: the project's keys cannot be read now.
        """
        try:
            claims = self._claims(token)
            user_id = UUID(claims["sub"])
        except (Unauthenticated, DocumentUnavailable):
            raise
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("the token has expired") from None
        except Exception:  # noqa: BLE001 - a token may be anything, and break any parser
            raise Unauthenticated("the token is not valid") from None
        if claims["role"] != ROLE or claims.get("is_anonymous"):
            raise Unauthenticated("the token does not belong to a signed-in person")
        return user_id

    def _claims(self, token: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        key, algorithm = self._key(header)
        return jwt.decode(
            token, key, algorithms=[algorithm], issuer=self._issuer, audience=_AUDIENCE,
            leeway=_LEEWAY_SECONDS, options={"require": ["exp", "iss", "aud", "sub", "role"]},
        )  # fmt: skip

    def _key(self, header: dict[str, Any]) -> tuple[Any, str]:
        algorithm = header.get("alg")
        if algorithm == _LEGACY and self._legacy_secret is not None:
            return self._legacy_secret, _LEGACY
        key = self._keys.find(header.get("kid")) if algorithm in _WITH_A_KEY else None
        if key is None:
            raise Unauthenticated("the token is not signed by a key of this project")
        return key.key, str(algorithm)
