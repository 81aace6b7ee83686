"""The steps of an operator for a stack's secrets, roles and functions (O6)."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import boto3
import psycopg
import pytest
from botocore.exceptions import ClientError, WaiterError
from psycopg import sql

from cli.failures import run_guarded
from cli.operations import operations, restart_functions
from local.errors import StackError
from support.aws import Clients
from support.cluster import Cluster


class Operator:
    """Types the steps for one stack; moto holds its secrets."""

    def __init__(self, environ: pytest.MonkeyPatch, shown: pytest.CaptureFixture[str]) -> None:
        self.stack = f"stack-{secrets.token_hex(4)}"
        self.environ = environ
        self._shown = shown
        environ.setenv("AWS_REGION", "eu-north-1")
        self.vault = boto3.client("secretsmanager", region_name="eu-north-1")

    def type(self, *step: str) -> tuple[int, str, str]:
        """Type a command; return the exit code and both outputs."""
        code = run_guarded(operations, ["--stack", self.stack, *step])
        shown = self._shown.readouterr()
        return code, shown.out, shown.err

    def hold(self, name: str, held: object) -> None:
        """Create a secret."""
        self.vault.create_secret(Name=f"{self.stack}/{name}", SecretString=json.dumps(held))

    def held(self, name: str) -> dict[str, str]:
        """Return the content of a secret."""
        found = self.vault.get_secret_value(SecretId=f"{self.stack}/{name}")
        return json.loads(found["SecretString"])

    def names(self) -> list[str]:
        """Return the names of the stack's secrets."""
        found = self.vault.list_secrets(Filters=[{"Key": "name", "Values": [self.stack]}])
        return [secret.get("Name", "") for secret in found["SecretList"]]


@pytest.fixture
def operator(
    aws: Clients, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Operator:
    """An operator of a stack that has no secrets yet."""
    return Operator(monkeypatch, capsys)


@pytest.fixture
def role(cluster: Cluster, operator: Operator) -> Iterator[str]:
    """A role that may not log in yet. The operator has both addresses."""
    name = f"operated_{secrets.token_hex(4)}"
    owner_url = cluster.server.url("postgres")
    pooled = f"postgresql://ROLE:PASSWORD@{owner_url.rpartition('@')[2]}"
    operator.environ.setenv("OWNER_URL", owner_url)
    operator.environ.setenv("POOLED_URL", pooled)
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute(sql.SQL("create role {}").format(sql.Identifier(name)))
        yield name
        owner.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


def logs_in(url: str) -> bool:
    """Return whether the database accepts the URL."""
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def test_a_login_may_be_typed_again(operator: Operator, role: str) -> None:
    """The secret has the valid password, and its other content stays."""
    code, arn, _ = operator.type("login", role, "database")
    assert (code, arn.split(":")[:3]) == (0, ["arn", "aws", "secretsmanager"])
    old = operator.held("database")["SUPABASE_DB_URL"]
    assert logs_in(old)
    operator.type("change", "database", "s.update(SCHEDULER_SECRET='kept')")
    assert operator.type("login", role, "database")[:2] == (0, arn)
    new = operator.held("database")
    assert logs_in(new["SUPABASE_DB_URL"])
    assert not logs_in(old)
    assert new["SCHEDULER_SECRET"] == "kept"


def test_the_servers_log_holds_no_password(operator: Operator, role: str, cluster: Cluster) -> None:
    """S1: also on a server that logs all statements."""
    owner_url = cluster.server.url("postgres")
    operator.environ.setenv("OWNER_URL", f"{owner_url}?options=-c%20log_statement%3Dall")
    assert operator.type("login", role, "database")[0] == 0
    password = operator.held("database")["SUPABASE_DB_URL"].split(":")[2].partition("@")[0]
    log = (cluster.server.data / "server.log").read_text()
    assert f'alter role "{role}"' in log
    assert password not in log


@pytest.mark.parametrize(
    "address",
    [
        "",
        "postgresql://mentor_pause_job.project:PASSWORD@host:6543/postgres",
        "postgresql://ROLE.project:secret@host:6543/postgres",
        "postgresql://ROLE.project:PASSWORD@",
    ],
)
def test_an_address_without_its_two_words_changes_nothing(
    operator: Operator, role: str, address: str
) -> None:
    """Otherwise each secret would get the same role, or an unusable URL."""
    operator.type("login", role, "database")
    before = operator.held("database")
    operator.environ.setenv("POOLED_URL", address)
    code, out, err = operator.type("login", role, "database")
    assert (code, out) == (2, "")
    assert "POOLED_URL" in err
    assert operator.held("database") == before
    assert logs_in(before["SUPABASE_DB_URL"])


def test_a_secret_that_cannot_be_written_leaves_the_password_as_it_was(
    operator: Operator, role: str
) -> None:
    """Running functions keep working with the password that they have."""
    operator.type("login", role, "database")
    before = operator.held("database")["SUPABASE_DB_URL"]
    operator.vault.delete_secret(SecretId=f"{operator.stack}/database", RecoveryWindowInDays=7)
    code, _, err = operator.type("login", role, "database")
    assert code == 2
    assert "Traceback" not in err
    assert logs_in(before)


def test_a_missing_role_leaves_no_secret(operator: Operator, role: str) -> None:
    """The message names the role, and has no part of the owner's URL."""
    code, _, err = operator.type("login", "nobody_here", "database")
    assert code == 2
    assert "could not give nobody_here a password" in err
    assert "127.0.0.1" not in err
    assert operator.names() == []


def test_an_empty_secret_is_created_once(operator: Operator) -> None:
    """The same command again changes nothing, and prints the same ARN."""
    first = operator.type("keep", "portal")
    operator.type("change", "portal", "s.update(PORTAL_URL='here')")
    assert operator.type("keep", "portal") == first
    assert operator.held("portal") == {"PORTAL_URL": "here"}


@pytest.mark.parametrize(
    "statement",
    [
        "s.update(SCHEDULER_SECRET='')",
        "s.update(SCHEDULER_SECRET=None)",
        "s.update({'x; touch pwned; export y': 'value'})",
        "s.update(SCHEDULER_SECRET=os.environ['NOT_SET'])",
        "s = ",
    ],
)
def test_a_change_to_nothing_is_refused(operator: Operator, statement: str) -> None:
    """The secret stays as it was, and the message is one sentence."""
    operator.hold("api", {"SCHEDULER_SECRET": "old"})
    code, out, err = operator.type("change", "api", statement)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert operator.held("api") == {"SCHEDULER_SECRET": "old"}


def test_a_secret_is_shown_as_exports(operator: Operator) -> None:
    """Each value is one word for the shell."""
    operator.hold("api", {"SCHEDULER_SECRET": "a b'c$(d)"})
    shown = operator.type("secret", "api")
    assert shown == (0, "export SCHEDULER_SECRET='a b'\"'\"'c$(d)'\n", "")


@pytest.mark.parametrize("key", ["x; touch pwned; export y", "PATH", "LD_PRELOAD"])
def test_a_key_that_no_function_reads_reaches_no_shell(operator: Operator, key: str) -> None:
    """S1: a person who may write the secret must not be able to type for the operator."""
    operator.hold("api", {key: "value", "SCHEDULER_SECRET": "value"})
    code, out, _ = operator.type("secret", "api")
    assert (code, out) == (2, "")


class Functions:
    """A stand-in for Lambda's client. It refuses some functions, or never updates them."""

    def __init__(self, refused: str = "", stuck: str = "") -> None:
        self.refused, self.stuck = refused, stuck
        self.steps: list[tuple[str, str]] = []

    def get_function_configuration(self, FunctionName: str) -> dict[str, Any]:
        """Return a function with one variable."""
        return {"Environment": {"Variables": {"KEPT": FunctionName}}}

    def update_function_configuration(self, FunctionName: str, Environment: Any) -> None:
        """Record the update."""
        if FunctionName == self.refused:
            raise ClientError({"Error": {"Code": "ResourceConflictException"}}, "Update")
        assert Environment["Variables"].keys() == {"KEPT", "RESTARTED_AT"}
        self.steps.append(("update", FunctionName))

    def get_waiter(self, name: str) -> "Functions":
        """Return this object."""
        assert name == "function_updated"
        return self

    def wait(self, FunctionName: str, WaiterConfig: Any) -> None:
        """Record the end of the update."""
        if FunctionName == self.stuck:
            raise WaiterError(name="FunctionUpdated", reason="stuck", last_response={})
        self.steps.append(("wait", FunctionName))


def test_a_function_is_waited_for_before_and_after_its_update() -> None:
    """An update in progress would refuse this one, and the old code may still answer."""
    functions: Any = Functions()
    restart_functions(functions, ["a"])
    assert functions.steps == [("wait", "a"), ("update", "a"), ("wait", "a")]


@pytest.mark.parametrize("functions", [Functions(refused="b"), Functions(stuck="b")])
def test_one_function_that_fails_keeps_no_other_from_its_restart(
    functions: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """The step fails at its end, and names the function."""
    with pytest.raises(StackError, match="1 of 3 functions did not restart"):
        restart_functions(functions, ["a", "b", "c"])
    assert functions.steps[-2:] == [("wait", "a"), ("wait", "c")]
    assert "b did not restart" in capsys.readouterr().err


@pytest.mark.parametrize("step", [("restart",), ("secret", "api"), ("login", "a", "b")])
def test_a_step_without_a_stack_is_refused(operator: Operator, step: tuple[str, ...]) -> None:
    """Otherwise it would use the local stack, or a secret without the stack's name."""
    operator.stack = ""
    code, out, err = operator.type(*step)
    assert (code, out) == (2, "")
    assert "STACK is not set" in err or "--stack" in err
