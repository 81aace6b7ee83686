"""Reads settings from a secret: a JSON object whose keys are the settings' names in capitals."""

import json
from collections.abc import Callable
from typing import cast

from mentor_pause.config.settings import HttpSecrets, PortalSettings, Settings
from mentor_pause.errors import ConfigurationError

type ReadSecret = Callable[[str], str]


def load_portal(secret_id: str, read_secret: ReadSecret) -> PortalSettings:
    """Return the portal's address and our credential for it, from the secret.

    Raises:
        ConfigurationError: the secret cannot be read, is not a JSON object, or lacks a key.
    """
    return _load_from_secret(PortalSettings, secret_id, read_secret)


def load_http_secrets(secret_id: str, read_secret: ReadSecret) -> HttpSecrets:
    """Return the secrets by which the HTTP entry recognises callers.

    Raises:
        ConfigurationError: the secret cannot be read, is not a JSON object, or lacks a key.
    """
    return _load_from_secret(HttpSecrets, secret_id, read_secret)


def _load_from_secret[S: Settings](kind: type[S], secret_id: str, read_secret: ReadSecret) -> S:
    names = tuple(name.upper() for name in kind.model_fields)
    values = secret_object(secret_id, read_secret(secret_id), names)
    try:
        return kind.load(values)
    except ConfigurationError as error:
        raise ConfigurationError(f"in the secret {short_name(secret_id)}: {error}") from None


def secret_object(secret_id: str, text: str, names: tuple[str, ...]) -> dict[str, str]:
    """Return the named values of a secret's JSON object, without blanks around them.

    Raises:
        ConfigurationError: the secret is not a JSON object.
    """
    try:
        content: object = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise ConfigurationError(
            f"the secret {short_name(secret_id)} is not a JSON object with {', '.join(names)}"
        )
    values = cast("dict[str, object]", content)
    return {name: str(values[name]).strip() for name in names if values.get(name)}


def short_name(resource: str) -> str:
    """Return the name of a secret or parameter, without the account's id in its ARN (R6)."""
    return resource.rpartition(":")[2]
