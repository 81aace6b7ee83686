"""Reads a database's URL as the driver does, and says what is wrong with it (R6).

libpq itself reads the URL, so this module checks the same user, host and parameters that the driver
will use. A message repeats no part of the URL, except the name of a parameter.
"""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from mentor_pause.config.addresses import DOCKER_HOST

CERTIFICATE = Path(__file__).parents[2] / "supabase-ca.crt"
"""Where an operator puts the project's CA certificate: beside the package `mentor_pause`."""
_SCHEMES = ("postgresql://", "postgres://")
_UNENCRYPTED = ("disable", "allow", "prefer")
_KNOWN_PARAMETER = re.compile(r'invalid URI query parameter: "([a-z_]{1,40})"')
_ENCODE = "percent-encode each of % @ / ? # : and space in its password"


class UnusableAddress(Exception):
    """The URL cannot be used; the message says why, without a part of it."""


@dataclass(frozen=True, slots=True)
class Address:
    """A database, and the role that logs in to it."""

    conninfo: str
    """The URL for the driver, with `sslmode` and `sslrootcert` added where it had none."""
    role: str
    """The role that libpq logs in as; of a pooler's `ROLE.PROJECT` only `ROLE`."""


def read_address(
    url: str,
    default_sslmode: str | None = None,
    certificate: Path = CERTIFICATE,
    *,
    in_sam: bool = False,
) -> Address:
    """Check a URL such as `postgresql://ROLE:PASSWORD@HOST:6543/postgres`.

    For a database on another machine, `default_sslmode` is the `sslmode` of a URL that has none. If
    the file `certificate` exists, it is the `sslrootcert` of a URL that has none. `in_sam`: whether
    this process runs in a container of `sam local invoke`, which reaches this machine by Docker's
    host name.

    Raises:
        UnusableAddress: the URL cannot be read, or would send the password unencrypted over the
            network.
    """
    if not url.startswith(_SCHEMES):
        raise UnusableAddress("is not a URL like postgresql://ROLE:PASSWORD@HOST:6543/postgres")
    if not url.isprintable():
        raise UnusableAddress("holds a character that cannot be printed")
    parts = _parts(url)
    if not (user := parts.get("user", "")):
        raise UnusableAddress(f"names no user; {_ENCODE}")
    if "YOUR-PASSWORD" in parts.get("password", ""):
        raise UnusableAddress("holds the placeholder [YOUR-PASSWORD]; put the password there")
    _check_host_and_port(parts)
    hosts = (parts.get("hostaddr") or parts["host"]).split(",")
    is_here = all(_is_this_machine(host, in_sam=in_sam) for host in hosts)
    tls = {} if is_here else _tls(parts, default_sslmode, certificate)
    return Address(make_conninfo(url, **tls) if tls else url, user.partition(".")[0])


def _parts(url: str) -> dict[str, str]:
    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items() if value}
    except (ProgrammingError, ValueError) as error:
        reason = _unreadable(url, str(error))
    raise UnusableAddress(reason)  # outside the handler: the driver's error repeats the URL


def _unreadable(url: str, driver_message: str) -> str:
    """Say why the driver cannot read the URL; name a parameter only if the password is elsewhere.

    If the password is not percent-encoded, a part of it may look like a parameter.
    """
    before, _, query = url.partition("?")
    if "@" in before and "@" not in query and (known := _KNOWN_PARAMETER.search(driver_message)):
        return f"has the parameter {known[1]}, which PostgreSQL's driver does not know; remove it"
    return f"cannot be read; {_ENCODE}"


def _check_host_and_port(parts: dict[str, str]) -> None:
    host, port = parts.get("host") or parts.get("hostaddr", ""), parts.get("port", "")
    if not host:
        raise UnusableAddress(f"names no host; {_ENCODE}")
    if "@" in host or not re.fullmatch(r"[\d,]*", port):
        raise UnusableAddress(f"has a host or a port that cannot be; {_ENCODE}")


def _tls(parts: dict[str, str], default: str | None, certificate: Path) -> dict[str, str]:
    """Return the parameters that the URL of another machine lacks."""
    mode = parts.get("sslmode") or default or "require"
    if mode in _UNENCRYPTED:
        raise UnusableAddress(
            f"has the parameter sslmode={mode}, which may send the password unencrypted to another"
            " machine; use sslmode=verify-full, or require"
        )
    missing = {} if "sslmode" in parts else {"sslmode": mode}
    if mode.startswith("verify") and "sslrootcert" not in parts and certificate.exists():
        missing["sslrootcert"] = str(certificate)
    return missing


def _is_this_machine(host: str, *, in_sam: bool) -> bool:
    if host == "localhost" or host.startswith("/") or (in_sam and host == DOCKER_HOST):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
