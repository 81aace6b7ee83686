"""Passwords of test servers, kept so that a log-in costs little.

PostgreSQL asks for a hash of 4,096 iterations at each log-in, and the client computes it. That
takes 6 ms of the 9 ms of a connection, and the tests open tens of thousands. One iteration is
enough for a password that lives as long as a test's server. PostgreSQL 15 has no setting for the
number, but each version takes a password that is hashed already.
"""

import hashlib
import hmac
import secrets
from base64 import b64encode


def hashed_once(password: str) -> str:
    """Return what PostgreSQL stores for a password (RFC 5802), with one iteration."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    parts = (salt, stored, hmac.digest(salted, b"Server Key", "sha256"))
    text_salt, text_stored, text_server = (b64encode(part).decode() for part in parts)
    return f"SCRAM-SHA-256$1:{text_salt}${text_stored}:{text_server}"
