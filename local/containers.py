"""The local stack as a function in a Docker container sees it, for `sam local invoke`.

A container reaches this machine as `host.docker.internal` (docs/decisions/0036). So its environment
names that host, and so do the copies of the secrets that it reads: those of the stack's own Lambdas
name the loopback interface.
"""

from collections.abc import Mapping
from typing import Any

from local.processes import LOOPBACK
from mentor_pause.config.addresses import DOCKER_HOST

_COPY = "/docker"
"""Behind the name of a secret: its copy for containers."""

type Environment = dict[str, str]


def copy_secrets(vault: Any, names: list[str]) -> None:
    """Write the copies of these secrets. `vault` is a client for Secrets Manager."""
    for name in names:
        text = for_containers(vault.get_secret_value(SecretId=name)["SecretString"])
        try:
            vault.create_secret(Name=name + _COPY, SecretString=text)
        except vault.exceptions.ResourceExistsException:
            vault.put_secret_value(SecretId=name + _COPY, SecretString=text)


def container_environments(
    vault: Any, functions: Mapping[str, Environment], endpoint_url: str
) -> dict[str, Environment]:
    """Return the environment of each function in a container, by its name in the template.

    `functions` are the environments of the deployed ones. Credentials and region are missing:
    `sam local invoke` takes them from its own environment, and drops those in `--env-vars`.
    """
    return {
        function: {
            name: _in_container(vault, name, value)
            for name, value in {**own, "AWS_ENDPOINT_URL": endpoint_url}.items()
        }
        for function, own in functions.items()
    }


def _in_container(vault: Any, name: str, value: str) -> str:
    if name.endswith("_SECRET_ID"):
        return vault.describe_secret(SecretId=value)["Name"] + _COPY
    return for_containers(value)


def for_containers(text: str) -> str:
    """Name this machine as a container does."""
    return text.replace(f"{LOOPBACK}:", f"{DOCKER_HOST}:")
