"""Who asks the stand-in for PostgREST: the key and the token of a request decide on the role.

Sources: PostgREST's `src/library/PostgREST/Auth/Jwt.hs` and `test/spec/Feature/Auth/AuthSpec.hs`
for tokens; Supabase's documentation ("Understanding API keys") for keys. A publishable key alone is
role `anon`, a secret key alone is `service_role`. With a person's token, the token decides.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from local.rest_errors import Refusal

PUBLISHABLE_KEY = "sb_publishable_of_the_stand_in"
SECRET_KEY = "sb_secret_of_the_stand_in"  # noqa: S105 - accepted only on this machine
LEGACY_JWT = "header.payload-of-service-role.signature"
EXPIRED_JWT = "header.payload-that-has-expired.signature"

KEYS = {PUBLISHABLE_KEY: "anon", SECRET_KEY: "service_role"}
"""The role of a request that has the key and no token."""
_ROLES = {"anon", "authenticated", "service_role"}
"""The roles to which the role `authenticator` can switch."""
_PARTS, _SKEW_SECONDS = 3, 30
_MESSAGES: tuple[tuple[type[jwt.InvalidTokenError], str, str], ...] = (
    (jwt.ExpiredSignatureError, "PGRST303", "JWT expired"),
    (jwt.ImmatureSignatureError, "PGRST303", "JWT not yet valid"),
    (jwt.InvalidSignatureError, "PGRST301", "No suitable key or wrong key type"),
    (jwt.InvalidAlgorithmError, "PGRST301", "Wrong or unsupported encoding algorithm"),
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the role of the transaction, and the claims as JSON."""

    role: str
    claims: str


@dataclass(frozen=True, slots=True)
class Gate:
    """Decides who asks. Tokens are checked with one public key."""

    public_key: ec.EllipticCurvePublicKey

    def caller(self, headers: Any) -> Caller:
        """Return who sends a request with these headers.

        Raises:
            Refusal: the key or the token is missing or wrong.
        """
        key, authorization = headers["apikey"], headers["Authorization"]
        if key is None:
            raise Refusal("PGRST302", "Anonymous access is disabled")
        if key == EXPIRED_JWT:
            raise Refusal("PGRST303", "JWT expired")
        if key == LEGACY_JWT and authorization == f"Bearer {LEGACY_JWT}":
            return _caller({}, "service_role")
        if key not in KEYS:
            raise Refusal("PGRST301", "No suitable key or wrong key type")
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            return _caller({}, KEYS[key])
        claims = self.claims(token)
        return _caller(claims, claims.get("role", "anon"))

    def claims(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that is signed with the project's key.

        Raises:
            Refusal: the token is wrong, or has expired.
        """
        if not token:
            raise Refusal("PGRST301", "Empty JWT is sent in Authorization header")
        if (parts := token.count(".") + 1) != _PARTS:
            raise Refusal("PGRST301", f"Expected 3 parts in JWT; got {parts}")
        try:
            return jwt.decode(
                token, self.public_key, algorithms=["ES256"], leeway=_SKEW_SECONDS,
                options={"verify_aud": False, "verify_sub": False},
            )  # fmt: skip
        except jwt.InvalidTokenError as error:
            raise _refusal(error) from None


def _refusal(error: jwt.InvalidTokenError) -> Refusal:
    for kind, code, message in _MESSAGES:
        if isinstance(error, kind):
            return Refusal(code, message)
    return Refusal("PGRST301", "JWT cryptographic operation failed")


def _caller(claims: Mapping[str, Any], role: object) -> Caller:
    if role not in _ROLES:
        raise Refusal("42501", f'permission denied to set role "{role}"')
    return Caller(str(role), json.dumps({**claims, "role": role}))
