"""Stands in for Supabase Auth on one machine: a signing key, its public key, tokens."""

import json
import os
import sys
from datetime import UTC, datetime, timedelta
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

from local.processes import LOOPBACK, Process, spawn

KEY_ID = "local"


def start_login(folder: Path, port: int) -> Process:
    """Serve the public key below the issuer's URL, as Supabase Auth does."""
    document = folder / "public/auth/v1/.well-known/jwks.json"
    document.parent.mkdir(parents=True, exist_ok=True)
    document.write_text(json.dumps(public_keys(signing_key(folder))))
    command = [sys.executable, "-m", "http.server", str(port), "--bind", LOOPBACK]
    command += ["--directory", str(folder / "public")]
    return spawn(command, os.environ, folder / "login.log")


def signing_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    """Return the folder's signing key, readable only by its owner; create it if it is missing."""
    file = folder / "signing-key.pem"
    if not file.exists():
        key = ec.generate_private_key(ec.SECP256R1())
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
    user_id: UUID, issuer: str, key: ec.EllipticCurvePrivateKey, lifetime: timedelta
) -> str:
    """Return a token like the one that Supabase Auth issues when a person signs in."""
    now = datetime.now(UTC)
    claims = {
        "iss": issuer,
        "aud": "authenticated",
        "role": "authenticated",
        "sub": str(user_id),
        "iat": now,
        "exp": now + lifetime,
    }
    return jwt.encode(claims, key, algorithm="ES256", headers={"kid": KEY_ID})
