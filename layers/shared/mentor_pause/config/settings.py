"""All settings, and the only place that reads the environment.

The database is named by `SUPABASE_URL` with `SUPABASE_SERVICE_ROLE_KEY` (REST), or by
`SUPABASE_DB_URL` (pooled): exactly one. They stand in the environment, or in the secret that
`SUPABASE_SECRET_ID` names, which is a JSON object of the same names (E12). Everything else is in
the classes below, each field by its name in capitals.
"""

import os
import re
from collections.abc import Mapping
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from mentor_pause.config.addresses import plain_http, secure_address, tenant
from mentor_pause.errors import ConfigurationError

type Environment = Mapping[str, str]

ENVIRONMENT: Environment = os.environ
"""The environment of this process; read by the loaders, never at import."""

PORT = r":([1-9]\d{0,3}|[1-5]\d{4}|6[0-5]\d{3})"


def is_in_sam() -> bool:
    """Whether this is a container of `sam local invoke`; SAM alone sets the variable."""
    return ENVIRONMENT.get("AWS_SAM_LOCAL") == "true"


def _portal_address(given: str) -> str:
    return secure_address(given, in_sam=is_in_sam())


def _auth_url(given: str) -> str:
    """Keys are read over TLS, or from a program on this machine."""
    plain = rf"{plain_http(in_sam=is_in_sam())}{PORT}"
    if re.fullmatch(rf"(https://[A-Za-z0-9.-]+({PORT})?|{plain})(/[A-Za-z0-9._-]+)*", given):
        return given
    raise ValueError("is not of the form that it needs")


class Settings(BaseModel):
    """Reads each field from the variable of its name in capitals; an empty one is missing."""

    # No Lambda needs all of them: each is built when it is first read, not at import.
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    @classmethod
    def load(cls, environ: Environment = ENVIRONMENT) -> Self:
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
