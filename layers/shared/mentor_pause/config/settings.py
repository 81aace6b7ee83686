"""All settings except those of the database, and the only place that reads the environment.

Each field of a class is read from the variable of its name in capitals. `databases.py` reads the
settings of the database: `SUPABASE_URL` with `SUPABASE_SERVICE_ROLE_KEY` (REST), or
`SUPABASE_DB_URL` (pooled). They are in the environment, or in the secret that `SUPABASE_SECRET_ID`
names, a JSON object with the same names (E12).
"""

import os
import re
from collections.abc import Mapping
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from mentor_pause.config.addresses import plain_http, secure_address, tenant
from mentor_pause.domain.jobs import JOBS, MAX_PAGE_SIZE
from mentor_pause.errors import ConfigurationError

type Environment = Mapping[str, str]

ENVIRONMENT: Environment = os.environ
"""The environment of this process; read by the loaders, never at import."""

MIN_DISPATCH_LEASE = 41
"""Seconds. Longer than the claim of a run's completion (40 s): when a run is resumed, the claim of
a holder that died has ended."""

PORT = r":([1-9]\d{0,3}|[1-5]\d{4}|6[0-5]\d{3})"


def is_in_sam() -> bool:
    """Whether this process runs in a container of `sam local invoke`; SAM sets the variable."""
    return ENVIRONMENT.get("AWS_SAM_LOCAL") == "true"


def _portal_address(entered: str) -> str:
    return secure_address(entered, in_sam=is_in_sam())


def _web_address(path: str) -> AfterValidator:
    """Return a check that an address, whose path matches `path`, uses TLS or is on this machine."""

    def check(url: str) -> str:
        host = rf"https://[A-Za-z0-9.-]+({PORT})?|{plain_http(in_sam=is_in_sam())}{PORT}"
        if re.fullmatch(rf"({host}){path}", url):
            return url
        raise ValueError("does not have the required form")

    return AfterValidator(check)


class Settings(BaseModel):
    """Reads each field from the variable of its name in capitals; an empty one is missing."""

    # No Lambda needs all classes, so pydantic builds each at its first use, not at import.
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    @classmethod
    def load(cls, environ: Environment = ENVIRONMENT) -> Self:
        """Read and check the variables.

        Raises:
            ConfigurationError: one sentence that names each missing or wrong variable.
        """
        values = {
            name: environ[name.upper()] for name in cls.model_fields if environ.get(name.upper())
        }
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ConfigurationError(_sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    def one(name: str, kind: str, message: str) -> str:
        if kind == "missing":
            return f"{name} is not set"
        if kind == "string_pattern_mismatch":
            return f"{name} does not have the required form"
        if kind == "value_error":
            return f"{name} {message.removeprefix('Value error, ')}"
        return f"{name}: {message}"

    faults = error.errors(include_input=False, include_url=False)
    return "; ".join(one(str(e["loc"][0]).upper(), e["type"], e["msg"]) for e in faults)


class OrgSettings(Settings):
    """The one organisation whose mentors the runs may change (D8)."""

    hlf_org_id: UUID
    hlf_org_slug: str = "hlf"


class LedgerSettings(Settings):
    """The run ledger and the leases on its lock, in seconds."""

    ledger_table: str
    dispatch_lease_seconds: Annotated[int, Field(ge=MIN_DISPATCH_LEASE)] = 45
    """While paging. Lambda repeats a failed delivery after 60 s; the lease is shorter, so that the
    repeated delivery resumes the run (D7)."""
    run_lease_seconds: Annotated[int, Field(ge=60)] = 2700
    """After paging. Longer than a page can take, all its redeliveries included."""


class QueueSettings(Settings):
    """The page queue of each job, the queue of waiting requests, and the size of a page."""

    certification_expiry_queue_url: str
    hlf_sync_queue_url: str
    waiting_runs_queue_url: str
    """The queue of scheduled run requests that cannot start yet."""
    page_size: Annotated[int, Field(ge=1, le=MAX_PAGE_SIZE)] = 100

    def url_by_job(self) -> dict[str, str]:
        """Return each job's queue."""
        by_worker = {
            "certification_expiry": self.certification_expiry_queue_url,
            "hlf_sync": self.hlf_sync_queue_url,
        }
        return {job.name: by_worker[job.worker] for job in JOBS.values()}


class WorkerSettings(Settings):
    """The queue that a worker reads, and its dead-letter queue."""

    queue_url: str
    dead_letter_queue_url: str


class BusSettings(Settings):
    """The event bus on which completed runs are published."""

    event_bus_name: str = "default"
    event_source: str
    """`mentor-pause.` and the stack's name: the only source that this stack's rules listen to."""


class NotifierSettings(Settings):
    """Whether and how the notifier sends e-mails."""

    message_sender: Annotated[str, Field(pattern=r"^[^@\s<>]+@[^@\s<>]+$")] | None = None
    """The address of the sender; None: nothing is sent."""
    console_url: Annotated[str, _web_address(r"/[!#-;=?-~]+")]
    """The console's address, to which the e-mails lead."""
    configuration_set: str
    """The name of SES's configuration set, which tells what became of each e-mail."""


class HttpSettings(Settings):
    """The settings of the HTTP entry, except the organisation and the ledger."""

    dispatcher_function: str
    auth_url: Annotated[str, _web_address(r"(/[A-Za-z0-9._-]+)*")]
    """The issuer of users' tokens: `https://PROJECT.supabase.co/auth/v1`."""
    api_secret_id: str
    """The id of the secret that holds the `HttpSecrets`, a JSON object."""


class HttpSecrets(Settings):
    """The secrets by which the HTTP entry recognises callers."""

    scheduler_secret: Annotated[SecretStr, Field(min_length=32)]
    """The secret that a machine sends."""
    scheduler_secret_previous: Annotated[SecretStr, Field(min_length=32)] | None = None
    """The previous secret, until every machine has the new one."""
    supabase_jwt_secret: Annotated[SecretStr, Field(min_length=32)] | None = None
    """The project's legacy JWT secret, if the project still signs tokens with it."""


class ConsoleSettings(Settings):
    """The settings of the console, except the organisation and the ledger. None is secret (C2)."""

    supabase_url: Annotated[str, _web_address("")]
    """The Supabase project's address: `https://PROJECT.supabase.co`."""
    supabase_publishable_key: Annotated[
        str, Field(pattern=r"^(sb_publishable_[A-Za-z0-9_-]+|eyJ[\w-]+\.[\w-]+\.[\w-]+)$")
    ]
    """The key that every request to Supabase has beside the person's token."""
    dispatcher_function: str


class PortalSettings(Settings):
    """The address of HLF's portal, and our credential for it."""

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
    """Where the portal's settings are; an operator can change them without a deployment."""

    portal_switch: str
    """The name of the parameter (Parameter Store) that is `on` or `off`."""
    portal_mapping: str
    """The name of the parameter that holds the mapping."""
    portal_secret_id: str
    """The id of the secret that holds the `PortalSettings`, a JSON object."""
