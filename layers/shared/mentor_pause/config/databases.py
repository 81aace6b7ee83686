"""Decides which transport reaches the database: REST or the pooled connection, exactly one."""

import re
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, SecretStr

from mentor_pause.config.secrets import ReadSecret, secret_object, short_name
from mentor_pause.config.settings import ENVIRONMENT, PORT, Environment, is_in_sam
from mentor_pause.errors import ConfigurationError

PORTAL_ROLE = "portal_sync"
"""The database role of code that calls the portal; with a pooler, `portal_sync.PROJECT`."""

API_ROLE = "mentor_pause_api"
"""The database role of the HTTP entry."""

NOTIFIER_ROLE = "mentor_pause_notifier"
"""The database role of the notifier, which sends the e-mails."""

_PROJECT_URL = (
    rf"(https://[A-Za-z0-9.-]+({PORT})?|http://(127\.0\.0\.1|localhost|\[::1\])({PORT})?)/?"
)
"""The service-role key is sent over TLS, or to a program on this machine."""

_KEY = r"(?!sb_publishable_)[A-Za-z0-9._-]+"


class RestDatabase(BaseModel):
    """Supabase's REST interface and the credential for it."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    url: str
    key: SecretStr


class PooledDatabase(BaseModel):
    """A connection URL or string of PostgreSQL or its pooler; it holds a password."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    url: SecretStr
    role: str
    """The role that the driver logs in as, without the project that a pooler needs."""


def load_database(
    read_secret: ReadSecret, environ: Environment = ENVIRONMENT
) -> RestDatabase | PooledDatabase:
    """Return the address and credential of the transport that is configured.

    Raises:
        ConfigurationError: no transport or both are configured, an address or key cannot be used,
            or the secret is not a JSON object.
    """
    names = ("SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_DB_URL")
    values = {name: environ[name].strip() for name in names if environ.get(name, "").strip()}
    secret_id = environ.get("SUPABASE_SECRET_ID")
    if secret_id and values:
        raise ConfigurationError(
            f"SUPABASE_SECRET_ID and {', '.join(values)} are both set; set only one"
        )
    if secret_id:
        values = secret_object(secret_id, read_secret(secret_id), names)
    where = f"the secret {short_name(secret_id)}" if secret_id else "the environment"
    return _one_database(values, where, environ.get("PGSSLMODE"))


def load_portal_database(
    read_secret: ReadSecret, environ: Environment = ENVIRONMENT
) -> PooledDatabase:
    """Return the database for code that calls the portal, by the role `PORTAL_ROLE` only (D9).

    Raises:
        ConfigurationError: another credential is configured, such as the service role's.
    """
    return _load_role_database("the portal sync", PORTAL_ROLE, read_secret, environ)


def load_api_database(
    read_secret: ReadSecret, environ: Environment = ENVIRONMENT
) -> PooledDatabase:
    """Return the database for the HTTP entry, by the role `API_ROLE` only (O3).

    Raises:
        ConfigurationError: another credential is configured, such as the service role's.
    """
    return _load_role_database("the HTTP entry", API_ROLE, read_secret, environ)


def load_notifier_database(
    read_secret: ReadSecret, environ: Environment = ENVIRONMENT
) -> PooledDatabase:
    """Return the database for the notifier, by the role `NOTIFIER_ROLE` only (W4).

    Raises:
        ConfigurationError: another credential is configured, such as the service role's.
    """
    return _load_role_database("the notifier", NOTIFIER_ROLE, read_secret, environ)


def _load_role_database(
    part: str, role: str, read_secret: ReadSecret, environ: Environment
) -> PooledDatabase:
    database = load_database(read_secret, environ)
    if not isinstance(database, PooledDatabase) or database.role != role:
        raise ConfigurationError(
            f"{part} logs in to the database as {role}, by SUPABASE_DB_URL, "
            "and with no other credential"
        )
    return database


def _one_database(
    values: Mapping[str, str], where: str, default_sslmode: str | None
) -> RestDatabase | PooledDatabase:
    url, db_url = values.get("SUPABASE_URL"), values.get("SUPABASE_DB_URL")
    if url and db_url:
        raise ConfigurationError(
            f"SUPABASE_URL and SUPABASE_DB_URL are both set in {where}; set only one"
        )
    if db_url:
        return _pooled_database(db_url, where, default_sslmode)
    if not url:
        raise ConfigurationError(f"neither SUPABASE_URL nor SUPABASE_DB_URL is set in {where}")
    if not (key := values.get("SUPABASE_SERVICE_ROLE_KEY")):
        raise ConfigurationError(
            f"SUPABASE_URL is set in {where} but SUPABASE_SERVICE_ROLE_KEY is not"
        )
    return _rest_database(url, key, where)


def _pooled_database(url: str, where: str, default_sslmode: str | None) -> PooledDatabase:
    # The driver is imported only where it is used: most functions start without it.
    from mentor_pause.config.connection_string import (  # noqa: PLC0415
        UnusableAddress,
        read_address,
    )

    try:
        address = read_address(url, default_sslmode, in_sam=is_in_sam())
    except UnusableAddress as error:
        reason = str(error)
    else:
        return PooledDatabase(url=SecretStr(address.conninfo), role=address.role)
    raise ConfigurationError(f"SUPABASE_DB_URL in {where} {reason}")


def _rest_database(url: str, key: str, where: str) -> RestDatabase:
    if not re.fullmatch(_PROJECT_URL, url):
        raise ConfigurationError(
            f"SUPABASE_URL in {where} is not a URL like https://HOST, without a path;"
            " only a program on this machine may be reached by http://127.0.0.1:PORT"
        )
    if not re.fullmatch(_KEY, key):
        raise ConfigurationError(
            f"SUPABASE_SERVICE_ROLE_KEY in {where} is neither a secret key nor a JWT"
        )
    return RestDatabase(url=url, key=SecretStr(key))
