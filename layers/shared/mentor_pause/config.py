"""All settings, and the only place that reads the environment.

The database is named by `SUPABASE_URL` with `SUPABASE_SERVICE_ROLE_KEY` (REST), or by
`SUPABASE_DB_URL` (pooled): exactly one. They stand in the environment, or in the secret that
`SUPABASE_SECRET_ID` names, which is a JSON object of the same names (E12). Everything else is in
the classes below, each field by its name in capitals.
"""

import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Self, cast
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from mentor_pause.errors import ConfigurationError
from mentor_pause.portal_address import secure_address, tenant
from mentor_pause.this_machine import plain_http

PORTAL_ROLE = "portal_sync"
"""The database role of code that calls the portal; a pooler wants `portal_sync.PROJECT`."""

API_ROLE = "mentor_pause_api"
"""The database role of the HTTP entry."""

type Environment = Mapping[str, str]
type ReadSecret = Callable[[str], str]

_PORT = r":([1-9]\d{0,3}|[1-5]\d{4}|6[0-5]\d{3})"
_PROJECT_URL = (
    rf"(https://[A-Za-z0-9.-]+({_PORT})?|http://(127\.0\.0\.1|localhost|\[::1\])({_PORT})?)/?"
)
"""The service-role key goes over TLS, or to a program on this machine."""

_KEY = r"(?!sb_publishable_)[A-Za-z0-9._-]+"


def _is_in_sam() -> bool:
    """Whether this is a container of `sam local invoke`; SAM alone sets the variable."""
    return os.environ.get("AWS_SAM_LOCAL") == "true"


def _portal_address(given: str) -> str:
    return secure_address(given, in_sam=_is_in_sam())


def _auth_url(given: str) -> str:
    """Keys are read over TLS, or from a program on this machine."""
    plain = rf"{plain_http(in_sam=_is_in_sam())}{_PORT}"
    if re.fullmatch(rf"(https://[A-Za-z0-9.-]+({_PORT})?|{plain})(/[A-Za-z0-9._-]+)*", given):
        return given
    raise ValueError("is not of the form that it needs")


class Settings(BaseModel):
    """Reads each field from the variable of its name in capitals; an empty one is missing."""

    # No Lambda needs all of them: each is built when it is first read, not at import.
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    @classmethod
    def load(cls, environ: Environment = os.environ) -> Self:
        """Read and check the variables.

        Raises:
            ConfigurationError: one sentence naming each variable that is missing or wrong.
        """
        given = {
            name: environ[name.upper()] for name in cls.model_fields if environ.get(name.upper())
        }
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise ConfigurationError(_sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    def one(name: str, kind: str, message: str) -> str:
        if kind == "missing":
            return f"{name} is not set"
        if kind == "string_pattern_mismatch":
            return f"{name} is not of the form that it needs"
        if kind == "value_error":
            return f"{name} {message.removeprefix('Value error, ')}"
        return f"{name}: {message}"

    found = error.errors(include_input=False, include_url=False)
    return "; ".join(one(str(e["loc"][0]).upper(), e["type"], e["msg"]) for e in found)


class OrgSettings(Settings):
    """The organisation that every run is confined to (D8)."""

    hlf_org_id: UUID
    hlf_org_slug: str = "hlf"


class LedgerSettings(Settings):
    """The run ledger and the leases on its lock, in seconds."""

    ledger_table: str
    dispatch_lease_seconds: Annotated[int, Field(ge=5)] = 45
    """While paging: shorter than the 60 s after which Lambda repeats a failed delivery, so that the
    repetition resumes the run (D7)."""
    run_lease_seconds: Annotated[int, Field(ge=60)] = 2700
    """Afterwards: longer than a page can take through all its redeliveries."""


class QueueSettings(Settings):
    """The page queues, by job, and how many mentors go on a page."""

    certification_expiry_queue_url: str
    hlf_sync_queue_url: str
    waiting_runs_queue_url: str
    """Where scheduled runs wait that cannot start yet."""
    page_size: Annotated[int, Field(ge=1, le=500)] = 100

    def url_by_job(self) -> dict[str, str]:
        """Return each job's queue."""
        return {
            "certification_expiry": self.certification_expiry_queue_url,
            "hlf_sync": self.hlf_sync_queue_url,
        }


class WorkerSettings(Settings):
    """What a worker needs beside the organisation and the ledger."""

    queue_url: str
    dead_letter_queue_url: str


class BusSettings(Settings):
    """Where completed runs are announced."""

    event_bus_name: str = "default"
    event_source: str
    """`mentor-pause.` and the stack's name: the only source that this stack's rules listen to."""


class HttpSettings(Settings):
    """What the HTTP entry needs beside the organisation and the ledger."""

    dispatcher_function: str
    auth_url: Annotated[str, AfterValidator(_auth_url)]
    """Who issues the tokens of people: `https://PROJECT.supabase.co/auth/v1`."""
    api_secret_id: str
    """The secret that holds the `HttpSecrets`, a JSON object."""


class HttpSecrets(Settings):
    """What proves to the HTTP entry who somebody is."""

    scheduler_secret: Annotated[SecretStr, Field(min_length=32)]
    """What a machine shows."""
    scheduler_secret_previous: Annotated[SecretStr, Field(min_length=32)] | None = None
    """The one before, as long as not every machine has the new one."""
    supabase_jwt_secret: Annotated[SecretStr, Field(min_length=32)] | None = None
    """The project's legacy secret for tokens, where it still signs with it."""


class PortalSettings(Settings):
    """Where HLF's portal is, and who we are there."""

    portal_url: Annotated[str, AfterValidator(_portal_address)]
    """The environment's address, such as `https://hlf.crm4.dynamics.com`."""
    portal_tenant: Annotated[str, AfterValidator(tenant)]
    """The directory (tenant) id or its domain."""
    portal_client_id: str
    portal_client_secret: SecretStr
    portal_login_url: Annotated[str, AfterValidator(_portal_address)] = (
        "https://login.microsoftonline.com"
    )


class PortalSourceSettings(Settings):
    """Where operators keep what the portal needs; all of it can be changed without a deployment."""

    portal_switch: str
    """The parameter in the Parameter Store that is `on` or `off`."""
    portal_mapping: str
    """The parameter that holds the mapping."""
    portal_secret_id: str
    """The secret that holds the `PortalSettings`, a JSON object."""


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
    """The role that the driver logs in as, without a pooler's project behind it."""


def load_database(
    read_secret: ReadSecret, environ: Environment = os.environ
) -> RestDatabase | PooledDatabase:
    """Return the one way to the database that is configured.

    Raises:
        ConfigurationError: none or both ways are configured, an address or key cannot be used, or
            the secret is no JSON object.
    """
    names = ("SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_DB_URL")
    given = {name: environ[name].strip() for name in names if environ.get(name, "").strip()}
    secret_id = environ.get("SUPABASE_SECRET_ID")
    if secret_id and given:
        raise ConfigurationError(
            f"SUPABASE_SECRET_ID and {', '.join(given)} are both set; keep one of them"
        )
    if secret_id:
        given = _secret_object(secret_id, read_secret(secret_id), names)
    where = f"the secret {short_name(secret_id)}" if secret_id else "the environment"
    return _one_database(given, where, environ.get("PGSSLMODE"))


def load_portal_database(
    read_secret: ReadSecret, environ: Environment = os.environ
) -> PooledDatabase:
    """Return the way to the database for code that calls the portal, by its own role only (D9).

    Raises:
        ConfigurationError: it is another credential, such as the service role's.
    """
    return _load_role_database("the portal sync", PORTAL_ROLE, read_secret, environ)


def load_api_database(read_secret: ReadSecret, environ: Environment = os.environ) -> PooledDatabase:
    """Return the way to the database for the HTTP entry, by its own role only (O3).

    Raises:
        ConfigurationError: it is another credential, such as the service role's.
    """
    return _load_role_database("the HTTP entry", API_ROLE, read_secret, environ)


def _load_role_database(
    who: str, role: str, read_secret: ReadSecret, environ: Environment
) -> PooledDatabase:
    found = load_database(read_secret, environ)
    if not isinstance(found, PooledDatabase) or found.role != role:
        raise ConfigurationError(
            f"{who} logs in to the database as {role}, by SUPABASE_DB_URL, "
            "and with no other credential"
        )
    return found


def load_portal(secret_id: str, read_secret: ReadSecret) -> PortalSettings:
    """Return where the portal is and who we are there, from the secret.

    Raises:
        ConfigurationError: it cannot be read, is no JSON object, or lacks something.
    """
    return _load_from_secret(PortalSettings, secret_id, read_secret)


def load_http_secrets(secret_id: str, read_secret: ReadSecret) -> HttpSecrets:
    """Return what proves to the HTTP entry who somebody is, from the secret.

    Raises:
        ConfigurationError: it cannot be read, is no JSON object, or lacks something.
    """
    return _load_from_secret(HttpSecrets, secret_id, read_secret)


def _load_from_secret[S: Settings](kind: type[S], secret_id: str, read_secret: ReadSecret) -> S:
    names = tuple(name.upper() for name in kind.model_fields)
    given = _secret_object(secret_id, read_secret(secret_id), names)
    try:
        return kind.load(given)
    except ConfigurationError as error:
        raise ConfigurationError(f"in the secret {short_name(secret_id)}: {error}") from None


def _secret_object(secret_id: str, text: str, names: tuple[str, ...]) -> dict[str, str]:
    try:
        found: object = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ConfigurationError(
            f"the secret {short_name(secret_id)} is not a JSON object with {', '.join(names)}"
        )
    values = cast("dict[str, object]", found)
    return {name: str(values[name]).strip() for name in names if values.get(name)}


def short_name(resource: str) -> str:
    """Return the name of a secret or parameter: an ARN holds the account's id as well (R6)."""
    return resource.rpartition(":")[2]


def _one_database(
    given: Mapping[str, str], where: str, default_sslmode: str | None
) -> RestDatabase | PooledDatabase:
    url, db_url = given.get("SUPABASE_URL"), given.get("SUPABASE_DB_URL")
    if url and db_url:
        raise ConfigurationError(
            f"SUPABASE_URL and SUPABASE_DB_URL are both set in {where}; keep one of them"
        )
    if db_url:
        return _pooled_database(db_url, where, default_sslmode)
    if not url:
        raise ConfigurationError(f"neither SUPABASE_URL nor SUPABASE_DB_URL is set in {where}")
    if not (key := given.get("SUPABASE_SERVICE_ROLE_KEY")):
        raise ConfigurationError(
            f"SUPABASE_URL is set in {where} but SUPABASE_SERVICE_ROLE_KEY is not"
        )
    return _rest_database(url, key, where)


def _pooled_database(url: str, where: str, default_sslmode: str | None) -> PooledDatabase:
    # The driver is imported only where it is used: most functions start without it.
    from mentor_pause.supabase.address import (  # noqa: PLC0415
        UnusableAddress,
        read_address,
    )

    try:
        address = read_address(url, default_sslmode, in_sam=_is_in_sam())
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
