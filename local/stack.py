"""The local stack: PostgreSQL, a stand-in portal, the emulator, `template.yaml` deployed to it."""

import secrets
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from ipaddress import IPv4Interface
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from local import database, deployment, docker, emulator, identity, portal_server, supabase_server
from local.alone import alone
from local.containers import copy_secrets, for_containers
from local.deployment import ORG_ID, ORG_SLUG, SECRETS, client, endpoint, supabase_url
from local.errors import StackError
from local.forwarder import start_forwarder
from local.places import DATABASE, state_folder
from local.portal_example import mirror_roster
from local.postgres import Server, has_pg_cron
from local.processes import Process, free_port, wait_until
from local.samples import plan_sample_pages, with_sample_mentor
from local.seed import DEFAULT_BRAKE, load_roster, make_roster, set_brake
from local.state import State, note, read_state, stop_all, write_state
from mentor_pause.config.addresses import DOCKER_HOST

_ZONE = ZoneInfo("Europe/Oslo")

type Say = Callable[[str], None]


class LocalStack:
    """One local stack in one folder."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` has the stack's state; without it `MENTOR_PAUSE_LOCAL`, or else `.local/`."""
        self.folder = folder or state_folder()
        cron_database = DATABASE if has_pg_cron() else None
        self._server = Server(self.folder / "postgres", cron_database=cron_database)

    def alone(self, say: Say) -> AbstractContextManager[None]:
        """Hold the stack's lock in a `with` statement (`local.alone`).

        Every command that starts, stops, fills or deploys to a stack holds it.
        """
        return alone(self.folder, say)

    def up(
        self, say: Say, aws_port: int = 0, postgres_port: int = 0, *, for_docker: bool = False
    ) -> State:
        """Start the stack and deploy to it; a stack that is up stays as it is.

        `for_docker` lets Docker containers reach the stack, also if it is up already.

        Raises:
            StackError: a port is in use, a part does not start, or Docker does not answer.
        """
        bridge = docker.find_bridge() if for_docker else None
        state = self._up(say, aws_port, postgres_port)
        return self.open_to_docker(state, bridge, say) if for_docker else state

    def _up(self, say: Say, aws_port: int, postgres_port: int) -> State:
        if (state := self.find()) is not None:
            return state
        self.down(_silent)  # stops what a crash may have left running
        (self.folder / "postgres").mkdir(parents=True, exist_ok=True)
        try:
            return self._start(say, aws_port, postgres_port)
        except BaseException:  # also after Ctrl-C
            self.down(_silent)
            raise

    def _start(self, say: Say, aws_port: int, postgres_port: int) -> State:
        # The programs start slowly, so they start at the same time as PostgreSQL.
        say("starting the AWS emulator and the stand-in for the portal")
        client_secret, aws_port, portal_port = (
            secrets.token_urlsafe(24),
            free_port(aws_port),
            free_port(),
        )
        process = note(self.folder, emulator.start_emulator(self.folder, aws_port))
        portal_folder = self.folder / "portal"
        portal = portal_server.start_portal(portal_folder, portal_port, client_secret)
        note(self.folder, portal)
        say("starting PostgreSQL and the stand-in for Supabase")
        self._server.start(postgres_port)
        supabase_port = free_port()
        supabase = self._start_supabase(supabase_port, aws_port)
        state = State(aws_port, process, portal_port, portal, supabase_port, supabase)
        database.ensure_database(self._server.url("postgres"), DATABASE)
        self.prepare_database()
        self._wait_for_programs(state)
        say("deploying template.yaml")
        outputs = deployment.deploy(state, self.database_url(), client_secret)
        return self._remember(replace(state, outputs=outputs))

    def _start_supabase(self, port: int, aws_port: int) -> Process:
        folder, ses = self.folder / "supabase", endpoint(aws_port)
        return note(
            self.folder, supabase_server.start_supabase(folder, port, self.database_url(), ses)
        )

    def _wait_for_programs(self, state: State) -> None:
        log = emulator.log(self.folder)
        wait_until(
            lambda: emulator.is_answering(state.aws_port),
            30,
            f"the AWS emulator does not answer (see {log})",
        )
        wait_until(
            lambda: portal_server.is_answering(state.portal_port),
            30,
            "the stand-in portal does not answer",
        )
        wait_until(
            lambda: supabase_server.is_answering(state.supabase_port),
            30,
            "the stand-in for Supabase does not answer",
        )

    def open_to_docker(self, state: State, bridge: IPv4Interface | None, say: Say) -> State:
        """Let containers reach the stack over the bridge; None: Docker Desktop needs no bridge.

        Raises:
            StackError: the forwarder cannot listen on the bridge.
        """
        if bridge is not None and not state.forwards_from(bridge):
            state = self._forward_from(bridge, state)
        copy_secrets(client(state, "secretsmanager"), [*SECRETS.values()])
        say(f"containers reach the local stack as {DOCKER_HOST}")
        return self._remember(replace(state, is_open_to_docker=True))

    def _forward_from(self, bridge: IPv4Interface, state: State) -> State:
        if state.forwarder is not None:
            state.forwarder.stop()  # its address is not the bridge's any more
        ports = (state.aws_port, state.portal_port, state.supabase_port, self._server.port)
        forwarder = note(self.folder, start_forwarder(self.folder, bridge, ports))
        return replace(state, forwarder=forwarder, bridge=str(bridge))

    def down(self, say: Say) -> None:
        """Stop the stack; keep the database's data."""
        stop_all(self.folder)
        if self._server.data.exists():
            self._server.stop()
        say("the local stack is down")

    def reset(self, say: Say) -> None:
        """Stop the stack and delete all its data."""
        self.down(_silent)
        for name in ("postgres", "emulator", "portal", "supabase"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        emulator.log(self.folder).unlink(missing_ok=True)
        say("the local stack is wiped")

    def find(self) -> State | None:
        """Return the stack's state; None unless all of it is up and deployed."""
        state = read_state(self.folder)
        if state is None or not state.outputs:
            return None
        is_up = (
            self._server.is_running()
            and state.emulator.find() is not None
            and state.portal.find() is not None
            and state.supabase.find() is not None
            and emulator.is_answering(state.aws_port)
            and portal_server.is_answering(state.portal_port)
            and supabase_server.is_answering(state.supabase_port)
        )
        return state if is_up else None

    def require(self) -> State:
        """Return the stack's state.

        Raises:
            StackError: the stack is not up.
        """
        if (state := self.find()) is None:
            raise StackError("the local stack is not up; start it with: mentor-pause local up")
        return state

    def require_docker(self) -> State:
        """Return the stack's state.

        Raises:
            StackError: the stack is not up, or containers cannot reach it.
        """
        state = self.require()
        forwards = state.forwarder is None or state.forwarder.find() is not None
        if not (state.is_open_to_docker and forwards):
            raise StackError(
                "containers cannot reach the local stack; let them: mentor-pause local up --docker"
            )
        return state

    def database_url(self) -> str:
        """Return the owner's URL of the stack's database."""
        return self._server.url(DATABASE)

    def environment(self, state: State) -> dict[str, str]:
        """Return the environment variables with which other tools reach the stack."""
        return {
            "DATABASE_URL": self.database_url(),
            "AWS_ENDPOINT_URL": endpoint(state.aws_port),
            **emulator.CREDENTIALS,
            **{_capitals(name): value for name, value in sorted(state.outputs.items())},
        }

    def seed(
        self,
        mentors: int,
        expired: int,
        seed: int,
        *,
        unforeseen: int = 0,
        brake: str = DEFAULT_BRAKE,
    ) -> None:
        """Replace the content of the database and the portal with a roster.

        `unforeseen` of the expired mentors were not warned; `brake` is the brake's mode (G2). The
        run ledger keeps its content; the pages of the sample events are written again.

        Raises:
            ValueError: there would be more expired mentors than mentors, or more unforeseen mentors
                than expired ones.
        """
        today = datetime.now(_ZONE).date()
        roster = with_sample_mentor(
            make_roster(ORG_ID, mentors, expired, seed, today, unforeseen=unforeseen)
        )
        database.create_database(self._server.url("postgres"), DATABASE)
        self.prepare_database()
        load_roster(self.database_url(), roster, ORG_SLUG)
        if brake != DEFAULT_BRAKE:
            set_brake(self.database_url(), ORG_ID, brake)
        rows = mirror_roster(self.database_url())
        portal_server.replace_rows(self.require().portal_port, rows)
        self.plan_samples()

    def plan_samples(self) -> None:
        """Write the pages of the sample events into the run ledger, as a dispatcher would."""
        state = self.require()
        plan_sample_pages(client(state, "dynamodb"), state.outputs["LedgerTableName"])

    def prepare_database(self) -> list[str]:
        """Apply the new migrations to the database; return their names."""
        database.create_supabase_roles(self.database_url())
        return database.migrate(self.database_url())

    def update(self) -> None:
        """Deploy code, layers and template again to the stack that is up.

        Raises:
            StackError: the emulator refused the template; the stack is unchanged.
        """
        state = self.require()
        self._remember(replace(state, outputs=deployment.deploy_again(state)))

    def token(self, user_id: UUID, *, for_docker: bool = False) -> str:
        """Return a person's token that is valid for an hour.

        Its issuer is the stand-in's URL; with `for_docker`, the URL that containers use.
        """
        issuer = f"{supabase_url(self.require())}/auth/v1"
        if for_docker:
            issuer = for_containers(issuer)
        key = identity.signing_key(self.folder / "supabase")
        return identity.token_of(user_id, issuer, key, 3600)

    def _remember(self, state: State) -> State:
        write_state(self.folder, state)
        return state


def _capitals(name: str) -> str:
    return "".join(f"_{c}" if c.isupper() and i else c for i, c in enumerate(name)).upper()


def _silent(_text: str) -> None:
    """Say nothing."""
