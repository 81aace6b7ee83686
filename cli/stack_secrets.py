"""The secrets of a stack, and the passwords of the database's roles in them."""

import json
import re
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from local.errors import StackError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_NAMES = re.compile(r"(SUPABASE|SCHEDULER|PORTAL)_[A-Z_]+")
_POOLED_URL = re.compile(r"(?P<head>postgres(ql)?://)ROLE(?P<own>[^:@/]*):PASSWORD(?P<rest>@.+)")


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret of a stack: a JSON object whose names and values are texts."""

    client: "SecretsManagerClient"
    name: str

    def create(self) -> str:
        """Create it empty, unless it is there; return its ARN."""
        try:
            return self.client.describe_secret(SecretId=self.name)["ARN"]
        except self.client.exceptions.ResourceNotFoundException:
            return self.client.create_secret(Name=self.name, SecretString="{}")["ARN"]

    def read(self) -> dict[str, str]:
        """Return what it holds.

        Raises:
            StackError: there is no such secret.
        """
        try:
            found = self.client.get_secret_value(SecretId=self.name)["SecretString"]
        except self.client.exceptions.ResourceNotFoundException as error:
            raise StackError(
                f"there is no secret {self.name}; see: aws secretsmanager list-secrets"
            ) from error
        return json.loads(found)

    def write(self, held: Mapping[str, str]) -> None:
        """Let it hold these texts instead.

        Raises:
            StackError: one of them is empty, or has a name that no function reads.
        """
        self._check(held)
        self.client.put_secret_value(SecretId=self.name, SecretString=json.dumps(dict(held)))

    def export(self) -> str:
        """Return the lines by which a shell takes over what it holds.

        Raises:
            StackError: there is no such secret, or it holds what a shell may not take over.
        """
        held = self.read()
        self._check(held)
        return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in held.items())

    def _check(self, held: Mapping[str, object]) -> None:
        for name, value in held.items():
            if not _NAMES.fullmatch(name):
                raise StackError(
                    f"no function reads the key {name!r} of {self.name}; take the key away"
                )
            if not isinstance(value, str) or not value:
                raise StackError(f"{name} of {self.name} is not a text, or is empty; set {name}")


def give_password(secret: Secret, role: str, owner_url: str, pooled_url: str) -> str:
    """Give a role a new password, keep its URL in the secret, and return the secret's ARN.

    The server gets a SCRAM verifier, since it may log statements. The password counts once the
    secret holds it: before that, a failure leaves both as they were.

    Raises:
        StackError: an address or the role is not usable, or the database does not answer.
    """
    address = _POOLED_URL.fullmatch(pooled_url)
    if address is None:
        raise StackError(
            "POOLED_URL is not postgresql://ROLE.PROJECT:PASSWORD@HOST..., with the words ROLE and"
            " PASSWORD as they are; set POOLED_URL"
        )
    password = secrets.token_urlsafe(24)
    url = f"{address['head']}{role}{address['own']}:{password}{address['rest']}"
    try:
        with psycopg.connect(owner_url) as owner:
            _alter_role(owner, role, password)
            arn = secret.create()
            secret.write(secret.read() | {"SUPABASE_DB_URL": url})
    except psycopg.Error as error:
        raise StackError(
            f"the owner could not give {role} a password ({type(error).__name__}); look at"
            " OWNER_URL and at the role's name, then repeat the command"
        ) from error
    return arn


def _alter_role(owner: psycopg.Connection, role: str, password: str) -> None:
    verifier = owner.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    owner.execute(
        sql.SQL("alter role {} login password {}").format(
            sql.Identifier(role), sql.Literal(verifier.decode())
        )
    )
