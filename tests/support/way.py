"""The deployed functions' way to their database, which a test may change.

with running_proxy(database_address(deployed)) as proxy, detour(deployed, by_way_of(proxy.port)):
    ...
with pooled(deployed, max_client_conn=3) as pooler:
    ...
"""

import json
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil
import psycopg

from local.deployment import API_SECRET
from local.processes import LOOPBACK
from support.deployed import Deployed, eventually
from support.pooler import Pooler, pgbouncer

SECRETS = ("mentor-pause/database", "mentor-pause/portal-sync", API_SECRET)
"""The secrets that name the database: the jobs', the portal sync's, the HTTP entry's."""

FUNCTIONS = ("Dispatcher", "ExpiryWorker", "HlfSyncWorker", "PortalDrift", "Monitor", "Api")

type Secret = dict[str, str]
type Change = Callable[[Secret], Secret]


def database_urls(deployed: Deployed) -> list[str]:
    """Return the URLs that the functions' secrets hold."""
    return [_read(deployed, name)["SUPABASE_DB_URL"] for name in SECRETS]


def by_way_of(port: int) -> Change:
    """Return the change by which functions reach the database through a loopback port."""

    def change(secret: Secret) -> Secret:
        user, _, behind = secret["SUPABASE_DB_URL"].rpartition("@")
        database = behind.partition("/")[2]
        return secret | {"SUPABASE_DB_URL": f"{user}@{LOOPBACK}:{port}/{database}"}

    return change


def database_address(deployed: Deployed) -> tuple[str, int]:
    """Return the host and port of the stack's own server."""
    return LOOPBACK, int(deployed.local.database_url().rpartition(":")[2].partition("/")[0])


@contextmanager
def detour(deployed: Deployed, change: Change, secrets: Sequence[str] = SECRETS) -> Generator[None]:
    """Change the secrets for a while, and end all warm functions so that they read them again."""
    before = {name: _read(deployed, name) for name in secrets}
    try:
        for name, value in before.items():
            _write(deployed, name, change(value))
        end_functions(deployed)
        yield
    finally:
        for name, value in before.items():
            _write(deployed, name, value)
        end_functions(deployed)


@contextmanager
def pooled(deployed: Deployed, **settings: object) -> Generator[Pooler]:
    """Put a PgBouncer between the functions and the database."""
    with (
        pgbouncer(*database_urls(deployed), **settings) as pooler,
        detour(deployed, by_way_of(pooler.port)),
    ):
        yield pooler


@contextmanager
def locked_rows(deployed: Deployed, count: int) -> Generator[list[str]]:
    """Lock the rows of the first mentors, and yield their ids."""
    with psycopg.connect(deployed.local.database_url()) as holder:
        found = holder.execute(
            "select id::text from peer_mentors order by id limit %s for update", (count,)
        ).fetchall()
        yield [row[0] for row in found]


@contextmanager
def workers_held(deployed: Deployed) -> Generator[None]:
    """Keep the pages of the expiry job on their queue."""
    lambdas, name = deployed.stack.lambdas(), deployed.stack.outputs["ExpiryWorkerFunctionName"]
    found = lambdas.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    mappings = [mapping.get("UUID", "") for mapping in found]
    for mapping in mappings:
        lambdas.update_event_source_mapping(UUID=mapping, Enabled=False)
    try:
        yield
    finally:
        for mapping in mappings:
            lambdas.update_event_source_mapping(UUID=mapping, Enabled=True)


def end_functions(deployed: Deployed, functions: Sequence[str] = FUNCTIONS) -> None:
    """End the warm processes of these functions; their next invocations start cold."""
    names = {deployed.stack.outputs[f"{function}FunctionName"] for function in functions}
    for process in processes(deployed, names):
        with suppress(psutil.Error):
            process.kill()
    eventually(lambda: not list(processes(deployed, names)))


def processes(deployed: Deployed, names: set[str]) -> Iterator[psutil.Process]:
    """Yield the processes of the functions of these names."""
    emulator = psutil.Process(deployed.local.require().emulator.pid)
    for process in emulator.children(recursive=True):
        with suppress(psutil.Error):
            is_one = process.environ().get("AWS_LAMBDA_FUNCTION_NAME") in names
            if is_one and process.status() != psutil.STATUS_ZOMBIE:
                yield process


def _read(deployed: Deployed, name: str) -> Secret:
    return json.loads(deployed.stack.read_secret(name))


def _write(deployed: Deployed, name: str, value: Secret) -> None:
    stack = deployed.stack
    vault = stack.session.client("secretsmanager", endpoint_url=stack.endpoint_url)
    vault.put_secret_value(SecretId=name, SecretString=json.dumps(value))
