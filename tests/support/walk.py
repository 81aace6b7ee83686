"""A walk through the pages of an operator: an empty database, an empty AWS, a checkout of its own.

The database has what a Supabase project brings along, as far as the migrations rely on it. The
emulator is AWS. The checkout is a copy, in which the walk builds, writes its configuration and goes
back to an earlier version. Two programs in its `.tools/` are bent for the emulator:

* `sam` adapts the built template before each `sam deploy` (`local.template.adapt_built_template`);
* `aws` names the emulator's address: version 1 would ask AWS's own host for queues.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import psycopg

from local import database, emulator
from local.deployment import endpoint
from local.postgres import Server, binaries, connection_variables
from local.processes import free_port, wait_until
from support.documents import ROOT, Block, Shell, Typed

TOOLS = ("awscli", "emulator", "npm", "sam")
_DATABASE = "project"
_SAM = """#!/bin/sh
if [ "$1" = deploy ]; then {python} -c '
import sys
from pathlib import Path
from local.template import adapt_built_template as adapt
adapt(Path(".aws-sam/build/template.yaml"), sys.argv[1])' "$AWS_ENDPOINT_URL" || exit; fi
exec {sam} "$@"
"""
_AWS = """#!/bin/sh
exec {aws} --endpoint-url "$AWS_ENDPOINT_URL" "$@"
"""


@dataclass(slots=True)
class Walk:
    """One shell in the checkout, and the table of what came of each step."""

    shell: Shell
    folder: Path
    server: Server
    endpoint_url: str
    owner_url: str
    """With the password, for the test itself."""
    placeholders: dict[str, str]
    typed: set[str] = field(default_factory=set[str])
    table: list[tuple[str, str, str, float]] = field(
        default_factory=list[tuple[str, str, str, float]]
    )

    def type(self, place: str, text: str, *, fails: bool | None = False) -> Typed:
        """Type a step; it must succeed, or fail where the page says so, or either for None."""
        began = time.monotonic()
        done = self.shell.type(text, self.placeholders)
        as_said = fails is None or (done.code != 0) == fails
        result = "ok" if as_said else f"exit {done.code}"
        self.note(place, text, result, time.monotonic() - began)
        self.typed.add(text)
        assert as_said, f"{place}: {text}\n{done.out}\n{done.err}"
        return done

    def take(self, block: Block) -> Typed:
        """Type a block of a page."""
        return self.type(block.place, block.text)

    @contextmanager
    def timed(self, place: str, text: str) -> Generator[None]:
        """Note a step that the test takes by itself, if it succeeds."""
        began = time.monotonic()
        yield
        self.note(place, text, "ok", time.monotonic() - began)

    def client(self, service: str) -> Any:
        """Return a client of the emulator, for the test itself."""
        session: Any = boto3.Session("test", "test", region_name=emulator.REGION)
        return session.client(service, endpoint_url=self.endpoint_url)

    def out(self, name: str) -> str:
        """Return an output of the stack."""
        return self.shell.type(f"out {name}").out.strip()

    def connect(self) -> psycopg.Connection:
        """Connect to the project's database as its owner."""
        return psycopg.connect(self.owner_url, autocommit=True)

    def create_project(self, name: str) -> str:
        """Create another database; return its owner's URL."""
        return create_project(self.server, name)

    def note(self, place: str, text: str, result: str, seconds: float = 0) -> None:
        """Add a line to the table."""
        first, *rest = text.strip().splitlines()
        self.table.append((place, first + (" ..." if rest else ""), result, seconds))

    def draw(self) -> str:
        """Return the table: where, seconds, result, the step's first line."""
        return "\n".join(
            f"{place:<24} {seconds:>5.1f} s  {result:<4}  {step:.100}"
            for place, step, result, seconds in self.table
        )


@contextmanager
def open_walk(scratch: Path) -> Generator[Walk]:
    """Start a database, an emulator and a shell; all of it ends with the walk."""
    checkout = copy_checkout(scratch / "checkout")
    server = Server(scratch / "postgres", durable=False, cron_database=_DATABASE)
    server.folder.mkdir()
    server.start()
    port = free_port()
    process = emulator.start_emulator(scratch, port)
    try:
        owner_url = create_project(server, _DATABASE)
        wait_until(lambda: emulator.is_answering(port), 30, "the emulator does not answer")
        environ = environment(
            scratch, endpoint(port), connection_variables(owner_url)["PGPASSWORD"]
        )
        with closing(Shell(checkout, environ, scratch)) as shell:
            yield Walk(shell, checkout, server, endpoint(port), owner_url, {
                "OWNER_ADDRESS": without_password(owner_url),
                "POOLED_ADDRESS": addressed(owner_url, "ROLE:PASSWORD"),
            })  # fmt: skip
    finally:
        process.stop()
        server.stop()


def tools_are_up_to_date() -> bool:
    """Whether make would install nothing; in the copy it could not."""
    done = [f"{folder}/.done" for folder in (".venv", *(f".tools/{name}" for name in TOOLS))]
    asked = subprocess.run(["make", "-q", *done], cwd=ROOT, check=False)  # noqa: S607 - as above
    return asked.returncode == 0


def create_project(server: Server, name: str) -> str:
    """Create a database as a new Supabase project has it; return the owner's URL."""
    database.create_database(server.url("postgres"), name)
    database.create_supabase_roles(server.url(name))
    return server.url(name)


def without_password(owner_url: str) -> str:
    """Return the owner's URL as an operator has it; the password is in `PGPASSWORD`."""
    return addressed(owner_url, "postgres")


def addressed(owner_url: str, user: str) -> str:
    """Return the URL of another user."""
    return f"postgresql://{user}@{owner_url.rpartition('@')[2]}"


def environment(scratch: Path, endpoint_url: str, password: str) -> dict[str, str]:
    """Return what an operator's shell has: AWS credentials, the owner's password, programs."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SUPABASE_", "PG"))}
    return kept | emulator.CREDENTIALS | {
        "AWS_ENDPOINT_URL": endpoint_url,
        "PATH": f"{os.environ['PATH']}{os.pathsep}{binaries()}",
        "PGPASSWORD": password,
        "HOME": str(scratch),
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.2",
        "COLUMNS": "200",
        "DO_NOT_TRACK": "1",
    }  # fmt: skip


def copy_checkout(target: Path) -> Path:
    """Copy what git knows of the checkout, with the tools, into a repository of its own."""
    listed = _git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(
                ROOT / name, target / name
            )  # with its date, so that make installs nothing again
    (target / ".venv").symlink_to(ROOT / ".venv")
    with (target / ".gitignore").open("a") as ignored:
        ignored.write(".venv\n")
    _link_tools(target / ".tools")
    _git(target, "init", "-q", "-b", "main")
    commit(target, "v1")
    return target


def _link_tools(folder: Path) -> None:
    for tool, program, text in (("sam", "sam", _SAM), ("awscli", "aws", _AWS)):
        bent = folder / tool / "bin" / program
        bent.parent.mkdir(parents=True)
        real = ROOT / ".tools" / tool
        bent.write_text(text.format(python=sys.executable, **{program: real / "bin" / program}))
        bent.chmod(0o755)
        (folder / tool / ".done").symlink_to(real / ".done")
    for tool in ("emulator", "npm"):
        (folder / tool).symlink_to(ROOT / ".tools" / tool)


def commit(checkout: Path, version: str) -> None:
    """Commit all that has changed, as a version."""
    who = ("-c", "user.name=walk", "-c", "user.email=walk@example.org")
    _git(checkout, "add", "-A")
    _git(checkout, *who, "commit", "-q", "-m", version)
    _git(checkout, "tag", version)


def changed_files(checkout: Path) -> str:
    """Return what git finds changed, or new and not ignored."""
    return _git(checkout, "status", "--porcelain")


def shell_environment(shell: Shell) -> Mapping[str, str]:
    """Return the variables of the shell, for a program that needs a terminal."""
    pairs = shell.type("env -0").out.rstrip("\0").split("\0")
    return dict(pair.split("=", 1) for pair in pairs)


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],  # noqa: S607 - the one on the path
        cwd=folder, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout
