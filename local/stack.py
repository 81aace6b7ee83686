"""The local stack: PostgreSQL, a stand-in portal, the emulator, `template.yaml` deployed to it."""

import json
import secrets
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import boto3

from local import database, docker, emulator, identity, packaging, portal_server
from local.containers import copy_secrets, for_containers
from local.errors import StackError
from local.forwarder import start_forwarder
from local.places import DATABASE, state_folder
from local.portal import CLIENT_ID, TENANT
from local.portal_example import MAPPING, mirror_roster
from local.postgres import Server, has_pg_cron
from local.processes import LOOPBACK, Process, free_port, wait_until
from local.samples import plan_sample_pages, with_sample_mentor
from local.seed import load_roster, make_roster
from mentor_pause.this_machine import DOCKER_HOST

STACK_NAME = "mentor-pause-local"
ORG_ID = UUID("0f0e0d0c-0b0a-4908-8706-050403020100")
ORG_SLUG = "hlf"
PORTAL_SECRET = "mentor-pause/portal"  # noqa: S105 - its name
API_SECRET = "mentor-pause/api"  # noqa: S105 - its name
_SECRETS = {
    "DatabaseSecretArn": "mentor-pause/database",
    "PortalSyncSecretArn": "mentor-pause/portal-sync",
    "PortalSecretArn": PORTAL_SECRET,
    "ApiSecretArn": API_SECRET,
}
"""The names of the secrets, by the template's parameters."""
_STAGE = "dev"
_ZONE = ZoneInfo("Europe/Oslo")

type Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered of a stack that is up."""

    aws_port: int
    emulator: Process
    portal_port: int
    portal: Process
    login_port: int
    login: Process
    outputs: dict[str, str] = field(default_factory=dict[str, str])
    is_open_to_docker: bool = False
    forwarder: Process | None = None
    """None where Docker Desktop does its work."""


class LocalStack:
    """One local stack, in a folder of its own."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` holds the stack's state; `.local/`, or what `MENTOR_PAUSE_LOCAL` names."""
        self.folder = folder or state_folder()
        cron_database = DATABASE if has_pg_cron() else None
        self._server = Server(self.folder / "postgres", cron_database=cron_database)

    @property
    def _state_file(self) -> Path:
        return self.folder / "stack.json"

    def up(
        self, say: Say, aws_port: int = 0, postgres_port: int = 0, *, for_docker: bool = False
    ) -> State:
        """Start and deploy what is not up yet; on a stack that is up, nothing changes.

        `for_docker` lets Docker's containers reach it, also one that is up already.

        Raises:
            StackError: a port is taken, a part does not start, or Docker does not answer.
        """
        bridge = docker.find_bridge() if for_docker else None
        state = self._up(say, aws_port, postgres_port)
        return self.open_to_docker(state, bridge, say) if for_docker else state

    def _up(self, say: Say, aws_port: int, postgres_port: int) -> State:
        if (state := self.find()) is not None:
            say("the local stack is up")
            return state
        self.down(_silent)  # what a crash may have left
        (self.folder / "postgres").mkdir(parents=True, exist_ok=True)
        try:
            return self._start(say, aws_port, postgres_port)
        except BaseException:  # also when the person at the terminal had enough of it
            self.down(_silent)
            raise

    def _start(self, say: Say, aws_port: int, postgres_port: int) -> State:
        say("starting PostgreSQL")
        self._server.start(postgres_port)
        database.ensure_database(self._server.url("postgres"), DATABASE)
        self.prepare_database()
        say("starting the stand-ins for portal and login")
        portal_port, client_secret = free_port(), secrets.token_urlsafe(24)
        portal = portal_server.start_portal(self.folder / "portal", portal_port, client_secret)
        login_port = free_port()
        login = identity.start_login(self.folder / "login", login_port)
        say("starting the AWS emulator")
        port = free_port(aws_port)
        process = emulator.start_emulator(self.folder, port)
        state = State(port, process, portal_port, portal, login_port, login)
        self._remember(state)
        log = emulator.log(self.folder)
        wait_until(
            lambda: emulator.is_answering(port), 30, f"the AWS emulator does not answer (see {log})"
        )
        wait_until(
            lambda: portal_server.is_answering(portal_port),
            30,
            "the stand-in portal does not answer",
        )
        say("deploying template.yaml")
        state = replace(state, outputs=self._deploy(state, client_secret))
        self._remember(state)
        return state

    def open_to_docker(self, state: State, bridge: IPv4Interface | None, say: Say) -> State:
        """Let containers reach the stack over the bridge; None: Docker Desktop lets them.

        Raises:
            StackError: the forwarder cannot listen on the bridge.
        """
        forwarder = state.forwarder
        if bridge is not None and (forwarder is None or forwarder.find() is None):
            ports = (state.aws_port, state.portal_port, state.login_port, self._server.port)
            forwarder = start_forwarder(self.folder, bridge, ports)
        copy_secrets(_client(state, "secretsmanager"), [*_SECRETS.values()])
        state = replace(state, is_open_to_docker=True, forwarder=forwarder)
        self._remember(state)
        say(f"containers reach the local stack as {DOCKER_HOST}")
        return state

    def down(self, say: Say) -> None:
        """Stop what runs; the database's data stay."""
        state = self._recall()
        if state is not None:
            state.emulator.stop()
            state.portal.stop()
            state.login.stop()
            if state.forwarder is not None:
                state.forwarder.stop()
            self._state_file.unlink(missing_ok=True)
        if self._server.data.exists():
            self._server.stop()
        say("the local stack is down")

    def reset(self, say: Say) -> None:
        """Stop everything and forget all data."""
        self.down(_silent)
        for name in ("postgres", "emulator", "portal", "login"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        emulator.log(self.folder).unlink(missing_ok=True)
        say("the local stack is wiped")

    def find(self) -> State | None:
        """Return the stack's state while all of it is up and deployed."""
        state = self._recall()
        if state is None or not state.outputs:
            return None
        is_up = (
            self._server.is_running()
            and state.emulator.find() is not None
            and state.portal.find() is not None
            and state.login.find() is not None
            and emulator.is_answering(state.aws_port)
            and portal_server.is_answering(state.portal_port)
        )
        return state if is_up else None

    def require(self) -> State:
        """Return the stack's state.

        Raises:
            StackError: it is not up.
        """
        if (state := self.find()) is None:
            raise StackError("the local stack is not up; start it with: mentor-pause local up")
        return state

    def require_docker(self) -> State:
        """Return the stack's state.

        Raises:
            StackError: it is not up, or containers do not reach it.
        """
        state = self.require()
        forwards = state.forwarder is None or state.forwarder.find() is not None
        if not (state.is_open_to_docker and forwards):
            raise StackError(
                "containers do not reach the local stack; let them: mentor-pause local up --docker"
            )
        return state

    def database_url(self) -> str:
        """Return the owner's URL of the stack's database."""
        return self._server.url(DATABASE)

    def environment(self, state: State) -> dict[str, str]:
        """Return what other tools need to reach the stack."""
        return {
            "DATABASE_URL": self.database_url(),
            "AWS_ENDPOINT_URL": endpoint(state.aws_port),
            **emulator.CREDENTIALS,
            **{_capitals(name): value for name, value in sorted(state.outputs.items())},
        }

    def seed(self, mentors: int, expired: int, seed: int) -> None:
        """Replace the content of database and portal by a roster; the run ledger stays.

        Only the pages of the sample events are planned in it again.

        Raises:
            ValueError: there cannot be that many expired mentors.
        """
        roster = with_sample_mentor(
            make_roster(ORG_ID, mentors, expired, seed, datetime.now(_ZONE).date())
        )
        database.create_database(self._server.url("postgres"), DATABASE)
        self.prepare_database()
        load_roster(self.database_url(), roster, ORG_SLUG)
        rows = mirror_roster(self.database_url())
        portal_server.replace_rows(self.require().portal_port, rows)
        self.plan_samples()

    def plan_samples(self) -> None:
        """Plan the pages of the sample events in the run ledger, as if a dispatcher had."""
        state = self.require()
        plan_sample_pages(_client(state, "dynamodb"), state.outputs["LedgerTableName"])

    def prepare_database(self) -> list[str]:
        """Bring the database to the newest migration; return the names of those applied now."""
        database.create_supabase_roles(self.database_url())
        return database.migrate(self.database_url())

    def _deploy(self, state: State, client_secret: str) -> dict[str, str]:
        port = state.aws_port
        session = boto3.Session("test", "test", region_name=emulator.REGION)
        vault = session.client("secretsmanager", endpoint_url=endpoint(port))
        job, portal_sync, api = map(self._credential, database.JOB_ROLES)
        credentials = {
            "DatabaseSecretArn": job,
            "PortalSyncSecretArn": portal_sync,
            "PortalSecretArn": _portal_credential(state, client_secret),
            "ApiSecretArn": api | {"SCHEDULER_SECRET": secrets.token_urlsafe(32)},
        }
        secret_arns = {
            parameter: vault.create_secret(
                Name=_SECRETS[parameter], SecretString=json.dumps(value)
            )["ARN"]
            for parameter, value in credentials.items()
        }
        template = packaging.upload(
            session.client("s3", endpoint_url=endpoint(port)), endpoint(port)
        )
        parameters = {
            "Stage": _STAGE,
            "HlfOrgId": str(ORG_ID),
            "HlfOrgSlug": ORG_SLUG,
            "SupabaseUrl": _login_url(state),
            "ApiRequestsPerSecond": "500",
            **secret_arns,
        }
        outputs = _create(
            session.client("cloudformation", endpoint_url=endpoint(port)), template, parameters
        )
        _switch_portal_on(session.client("ssm", endpoint_url=endpoint(port)), outputs)
        return outputs | _api_url(port, outputs)

    def update(self) -> None:
        """Deploy code, layers and template anew to the stack that is up.

        Raises:
            StackError: the emulator refused; the stack runs as before.
        """
        state = self.require()
        template = packaging.upload(_client(state, "s3"), endpoint(state.aws_port))
        outputs = packaging.update_stack(_client(state, "cloudformation"), STACK_NAME, template)
        self._remember(replace(state, outputs=outputs | _api_url(state.aws_port, outputs)))

    def _credential(self, role: str) -> dict[str, str]:
        password = secrets.token_urlsafe(24)
        database.let_log_in(self.database_url(), role, password)
        address = self.database_url().rpartition("@")[2]
        return {"SUPABASE_DB_URL": f"postgresql://{role}:{password}@{address}"}

    def token(self, user_id: UUID, *, for_docker: bool = False) -> str:
        """Return a token of a person, good for an hour, as they get it when they sign in.

        Its issuer is the stand-in's address: `for_docker`, the one that containers know.
        """
        issuer = f"{_login_url(self.require())}/auth/v1"
        if for_docker:
            issuer = for_containers(issuer)
        key = identity.signing_key(self.folder / "login")
        return identity.token_of(user_id, issuer, key, timedelta(hours=1))

    def _remember(self, state: State) -> None:
        partial = self._state_file.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(state)))
        partial.rename(self._state_file)

    def _recall(self) -> State | None:
        try:
            found = json.loads(self._state_file.read_text())
            return State(
                found["aws_port"],
                Process(**found["emulator"]),
                found["portal_port"],
                Process(**found["portal"]),
                found["login_port"],
                Process(**found["login"]),
                found["outputs"],
                found.get("is_open_to_docker", False),
                Process(**forwarder) if (forwarder := found.get("forwarder")) else None,
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None


def _client(state: State, service: str) -> Any:
    session: Any = boto3.Session("test", "test", region_name=emulator.REGION)
    return session.client(service, endpoint_url=endpoint(state.aws_port))


def endpoint(port: int) -> str:
    """Return the emulator's URL."""
    return f"http://{LOOPBACK}:{port}"


def _login_url(state: State) -> str:
    return endpoint(state.login_port)


def _api_url(port: int, outputs: dict[str, str]) -> dict[str, str]:
    """Where the emulator serves the HTTP entry; its own output has AWS's host name."""
    return {"ApiUrl": f"{endpoint(port)}/_aws/execute-api/{outputs['ApiId']}/{_STAGE}"}


def _create(cloudformation: Any, template_url: str, parameters: dict[str, str]) -> dict[str, str]:
    cloudformation.create_stack(
        StackName=STACK_NAME,
        TemplateURL=template_url,
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=STACK_NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    return packaging.outputs_of(cloudformation, STACK_NAME)


def _portal_credential(state: State, client_secret: str) -> dict[str, str]:
    url = f"http://{LOOPBACK}:{state.portal_port}"
    return {
        "PORTAL_URL": url,
        "PORTAL_LOGIN_URL": url,
        "PORTAL_TENANT": TENANT,
        "PORTAL_CLIENT_ID": CLIENT_ID,
        "PORTAL_CLIENT_SECRET": client_secret,
    }


def _switch_portal_on(parameters: Any, outputs: dict[str, str]) -> None:
    """As an operator does, once a portal is configured."""
    for name, value in (("PortalMappingName", MAPPING.read_text()), ("PortalSwitchName", "on")):
        parameters.put_parameter(Name=outputs[name], Value=value, Overwrite=True)


def _capitals(name: str) -> str:
    return "".join(f"_{c}" if c.isupper() and i else c for i, c in enumerate(name)).upper()


def _silent(_text: str) -> None:
    """Say nothing."""
