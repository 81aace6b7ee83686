"""A stack's secrets, and the passwords of database roles in them."""

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
    """A secret of a stack: a JSON object of strings."""

    client: "SecretsManagerClient"
    name: str

    def create(self) -> str:
        """Create the secret empty unless it exists; return its ARN."""
        try:
            return self.client.describe_secret(SecretId=self.name)["ARN"]
        except self.client.exceptions.ResourceNotFoundException:
            return self.client.create_secret(Name=self.name, SecretString="{}")["ARN"]

    def read(self) -> dict[str, str]:
        """Return the secret's values.

        Raises:
            StackError: the secret does not exist.
        """
        try:
            text = self.client.get_secret_value(SecretId=self.name)["SecretString"]
        except self.client.exceptions.ResourceNotFoundException as error:
            raise StackError(
                f"the secret {self.name} does not exist; list them: aws secretsmanager list-secrets"
            ) from error
        return json.loads(text)

    def write(self, values: Mapping[str, str]) -> None:
        """Replace the secret's values.

        Raises:
            StackError: a value is empty, or has a name that no function reads.
        """
        self._check(values)
        self.client.put_secret_value(SecretId=self.name, SecretString=json.dumps(dict(values)))

    def export(self) -> str:
        """Return the values as export lines for a shell.

        Raises:
            StackError: the secret does not exist, or a name or value is not allowed.
        """
        values = self.read()
        self._check(values)
        return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())

    def _check(self, values: Mapping[str, object]) -> None:
        for name, value in values.items():
            if not _NAMES.fullmatch(name):
                raise StackError(
                    f"no function reads the key {name!r} of {self.name}; remove the key"
                )
            if not isinstance(value, str) or not value:
                raise StackError(f"{name} of {self.name} is not a string, or is empty; set {name}")


def give_password(secret: Secret, role: str, owner_url: str, pooled_url: str) -> str:
    """Give a role a new password, store its URL in the secret, and return the secret's ARN.

    The server gets a SCRAM verifier, not the password, because it may log statements. The role's
    change is committed after the secret is written: an earlier failure changes neither.

    Raises:
        StackError: an address or the role is not usable, or the database does not answer.
    """
    address = _POOLED_URL.fullmatch(pooled_url)
    if address is None:
        raise StackError(
            "POOLED_URL must be postgresql://ROLE.PROJECT:PASSWORD@HOST..., with the words ROLE and"
            " PASSWORD kept as they are; set POOLED_URL"
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
            f"the owner could not give {role} a password ({type(error).__name__}); check"
            " OWNER_URL and the role's name, then repeat the command"
        ) from error
    return arn


def _alter_role(owner: psycopg.Connection, role: str, password: str) -> None:
    verifier = owner.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    owner.execute(
        sql.SQL("alter role {} login password {}").format(
            sql.Identifier(role), sql.Literal(verifier.decode())
        )
    )
