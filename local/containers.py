"""The local stack as a function in a Docker container sees it, for `sam local invoke`.

A container reaches this machine as `host.docker.internal` (docs/decisions/0036). Therefore its
environment and its copies of the secrets name that host. The environment and the secrets of the
stack's own Lambdas name the loopback interface.
"""

from collections.abc import Mapping
from typing import Any

from local.processes import LOOPBACK
from mentor_pause.config.addresses import DOCKER_HOST

_COPY = "/docker"
"""The suffix in the name of a secret's copy for containers."""

type Environment = dict[str, str]


def copy_secrets(vault: Any, names: list[str]) -> None:
    """Copy these secrets for containers. `vault` is a Secrets Manager client."""
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

    `functions` has the environments of the deployed functions. Credentials and region are left out:
    `sam local invoke` takes them from its own environment and ignores them in `--env-vars`.
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
    """Replace the loopback address with the host name that containers use."""
    return text.replace(f"{LOOPBACK}:", f"{DOCKER_HOST}:")
