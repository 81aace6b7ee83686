"""A project's login as tests need it: its keys, its tokens, and wrong tokens."""

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64encode
from typing import Any
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from api.tokens import SigningKeys, TokenVerifier

ISSUER = "https://project.supabase.co/auth/v1"
LEGACY_SECRET = "legacy-secret-of-the-project-0123456789"
MACHINE_SECRET = "scheduler-secret-0123456789-0123456789"
NOW = 1_900_000_000
"""The moment at which tests sign, far in the future: tokens are good until a bit later."""

type Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def new_key(algorithm: str = "ES256") -> Key:
    """Return a new signing key."""
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


OURS: dict[str, tuple[str, Key]] = {
    "ec-1": ("ES256", new_key()),
    "rsa-1": ("RS256", new_key("RS256")),
}
"""The project's keys by their id."""


def public_keys(keys: dict[str, tuple[str, Key]]) -> dict[str, Any]:
    """Return the document that the login publishes."""
    return {"keys": [_jwk(kid, algorithm, key) for kid, (algorithm, key) in keys.items()]}


def _jwk(kid: str, algorithm: str, key: Key) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPrivateKey):
        public = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return public | {"kid": kid, "alg": algorithm, "use": "sig"}


def public_pem(kid: str) -> bytes:
    """Return a public key as text: what an attacker signs HS256 with."""
    _, key = OURS[kid]
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def claims_of(user_id: UUID | None = None, **changed: Any) -> dict[str, Any]:
    """Return the claims of a good token; None takes a claim away."""
    good = {
        "iss": ISSUER, "aud": "authenticated", "role": "authenticated",
        "sub": str(user_id or uuid4()), "iat": 1_700_000_000, "exp": NOW + 3600,
        "email": "kari@example.org", "is_anonymous": False,
    }  # fmt: skip
    return {name: value for name, value in (good | changed).items() if value is not None}


def token_of(user_id: UUID | None = None, kid: str = "ec-1", **changed: Any) -> str:
    """Return a token of the project."""
    algorithm, key = OURS[kid]
    return jwt.encode(claims_of(user_id, **changed), key, algorithm=algorithm, headers={"kid": kid})


def legacy_token(secret: str = LEGACY_SECRET, **changed: Any) -> str:
    """Return a token that is signed with the legacy secret."""
    return jwt.encode(claims_of(**changed), secret, algorithm="HS256")


def unsigned(header: object, claims: object, signature: str = "") -> str:
    """Put a token together by hand."""
    parts = (
        urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in (header, claims)
    )
    return ".".join((*parts, signature))


def token_verifier(legacy_secret: str | None = LEGACY_SECRET) -> TokenVerifier:
    """Return a verifier of the project's tokens."""
    keys = SigningKeys(lambda: public_keys(OURS), lambda: 0.0)
    return TokenVerifier(ISSUER, keys, legacy_secret)


def wrong_tokens() -> dict[str, str]:
    """Return every wrong token that we could think of, by its fault."""
    stranger, es256 = new_key(), {"alg": "ES256", "kid": "ec-1", "typ": "JWT"}
    good = token_of()
    head, body, signature = good.split(".")
    _, ours = OURS["ec-1"]
    return {
        "expired ten seconds ago": token_of(exp=int(time.time()) - 10),
        "signed in as nobody": token_of(is_anonymous=True),
        "expired": token_of(exp=1_700_000_100, iat=1_700_000_000),
        "not valid yet": token_of(nbf=NOW),
        "without expiry": token_of(exp=None),
        "expiry is not a number": token_of(exp="never"),
        "expiry is infinite": unsigned(es256, claims_of(exp=float("inf")), signature),
        "other project": token_of(iss="https://other.supabase.co/auth/v1"),
        "other project, without issuer": token_of(iss=None),
        "issuer is a list": unsigned(es256, claims_of(iss=[ISSUER]), signature),
        "other project's key, our key id": jwt.encode(
            claims_of(), stranger, algorithm="ES256", headers={"kid": "ec-1"}
        ),
        "other project's key, its own key id": jwt.encode(
            claims_of(), stranger, algorithm="ES256", headers={"kid": "other"}
        ),
        "our key, no key id": jwt.encode(claims_of(), ours, algorithm="ES256"),
        "our key, another of our key ids": jwt.encode(
            claims_of(), ours, algorithm="ES256", headers={"kid": "rsa-1"}
        ),
        "its own key in the header": jwt.encode(
            claims_of(), stranger, algorithm="ES256",
            headers={"kid": "mine", "jwk": _jwk("mine", "ES256", stranger)},
        ),
        "its own address for keys": jwt.encode(
            claims_of(), stranger, algorithm="ES256",
            headers={"kid": "mine", "jku": "https://evil.example.org/keys"},
        ),
        "alg none": unsigned({"alg": "none", "typ": "JWT"}, claims_of()),
        "alg None, with our key id": unsigned({"alg": "None", "kid": "ec-1"}, claims_of()),
        "alg none, with a signature": unsigned({"alg": "none", "kid": "ec-1"}, claims_of(), "x"),
        "HS256 with the public key": _hs256(public_pem("ec-1"), {"alg": "HS256", "kid": "ec-1"}),
        "HS256 with the RSA public key": _hs256(public_pem("rsa-1"), {"alg": "HS256"}),
        "HS256 with the empty key": _hs256(b"", {"alg": "HS256", "kid": "ec-1"}),
        "HS256 with the scheduler secret": legacy_token(MACHINE_SECRET),
        "HS512 with the legacy secret": jwt.encode(
            claims_of(), LEGACY_SECRET.ljust(64, "x"), algorithm="HS512"
        ),
        "anon key, pasted by mistake": legacy_token(
            role="anon", sub=None, aud=None, iss="supabase"
        ),
        "service_role key, pasted by mistake": legacy_token(
            role="service_role", sub=None, aud=None, iss="supabase"
        ),
        "service_role as a person": legacy_token(role="service_role"),
        "service_role with our key": token_of(role="service_role"),
        "role is a list": token_of(role=["authenticated"]),
        "without role": token_of(role=None),
        "secret key, pasted by mistake": "sb_secret_0123456789abcdefghijklmnopqrstuv",
        "other audience": token_of(aud="another"),
        "without audience": token_of(aud=None),
        "without a person": token_of(sub=None),
        "person is not an id": unsigned(es256, claims_of(sub="' or 1=1 --"), signature),
        "person is not an id, signed": token_of(sub="admin"),
        "signature of another token": ".".join((head, token_of().split(".")[1], signature)),
        "signature cut off": f"{head}.{body}.",
        "without signature part": f"{head}.{body}",
        "header only": head,
        "claims changed": f"{head}.{unsigned({}, claims_of(email='x')).split('.')[1]}.{signature}",
        "header is a list": unsigned([], claims_of(), signature),
        "header is nested deeply": unsigned(_nested(900), claims_of(), signature),
        "claims are a list": unsigned(es256, [], signature),
        "key id is a number": unsigned({"alg": "ES256", "kid": 7}, claims_of(), signature),
        "key id is a list": unsigned({"alg": "ES256", "kid": ["ec-1"]}, claims_of(), signature),
        "alg is a list": unsigned({"alg": ["ES256"], "kid": "ec-1"}, claims_of(), signature),
        "critical extension": unsigned(es256 | {"crit": ["x"], "x": 1}, claims_of(), signature),
        "encrypted": "a.b.c.d.e",
        "huge": "a" * 100_000,
        "huge, of three parts": ".".join([head, "b" * 7000, signature]),
        "not base64": "%%%.%%%.%%%",
        "empty": "",
        "a space": " ",
        "two words": f"{good} {good}",
        "not ASCII": "nøkkel",
        "control characters": "a\x00b\n.c.d",
    }  # fmt: skip


def _hs256(secret: bytes, header: dict[str, Any]) -> str:
    """Sign as an attacker does, without a library that refuses to."""
    signed = unsigned(header, claims_of()).rpartition(".")[0]
    digest = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def _nested(depth: int) -> object:
    found: object = {}
    for _ in range(depth):
        found = [found]
    return found
