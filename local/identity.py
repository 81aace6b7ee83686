"""The signing key of the stand-in for Supabase Auth, its public key, and tokens."""

import time
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm

KEY_ID = "local"


def signing_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    """Return the folder's signing key, readable only by its owner; create it if it is missing."""
    file = folder / "signing-key.pem"
    if not file.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        folder.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key = load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{file} holds another kind of key")
    return key


def public_keys(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    """Return the JWKS document that an issuer publishes."""
    public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {"keys": [public | {"kid": KEY_ID, "alg": "ES256", "use": "sig"}]}


def token_of(
    user_id: UUID,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    seconds: float,
    now: float | None = None,
    **claims: str,
) -> str:
    """Return a token like the one that Supabase Auth issues when a person signs in.

    `claims` has more of them, such as `email` and `session_id`.
    """
    began = int(time.time() if now is None else now)
    every = {
        "iss": issuer,
        "aud": "authenticated",
        "role": "authenticated",
        "sub": str(user_id),
        "iat": began,
        "exp": began + int(seconds),
        "aal": "aal1",
        "is_anonymous": False,
    }
    return jwt.encode(every | claims, key, algorithm="ES256", headers={"kid": KEY_ID})
