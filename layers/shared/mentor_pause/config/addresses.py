"""Checks the addresses that operators enter for the portal, and says what is wrong with one (H2).

A message never repeats a wrong address, because a pasted address may hold a session or a password.
It names the host alone, and only the host of a Dataverse environment.
"""

import re

DOCKER_HOST = "host.docker.internal"


def plain_http(*, in_sam: bool) -> str:
    """Return a pattern for the part before the port of an address on this machine, without TLS.

    `in_sam`: whether this process runs in a container of `sam local invoke`.
    """
    return r"http://(127\.0\.0\.1|host\.docker\.internal)" if in_sam else r"http://127\.0\.0\.1"


_PORT = r":([1-9]\d{0,3}|[1-5]\d{4}|6[0-5]\d{3})"
_SECURE = rf"https://[A-Za-z0-9.-]+({_PORT})?"
_PARTS = re.compile(r"(?:([A-Za-z]+)://)?(?:([^/?#]*)@)?([^/?#]*)(.*)", re.DOTALL)
_ENVIRONMENT = re.compile(r"[a-z0-9-]{1,63}(\.api)?\.crm[0-9]{0,2}\.dynamics\.com")


def secure_address(entered: str, *, in_sam: bool) -> str:
    """Return an address, without blanks around it, to which a secret may be sent.

    A secret is sent over TLS, or to a program on this machine. `in_sam` as in `plain_http`.

    Raises:
        ValueError: what is wrong with the address, as the end of a sentence.
    """
    address = entered.strip()
    if re.fullmatch(rf"({_SECURE}|{plain_http(in_sam=in_sam)}{_PORT})/?", address):
        return address
    scheme, user, host, behind = _parts(address)
    correction = (
        f"write https://{host} alone"
        if _ENVIRONMENT.fullmatch(host)
        else "write scheme and host alone, such as https://hlf.crm4.dynamics.com"
    )
    if user is not None:
        wrong = "has a user name or a password in it"
    elif scheme is None or scheme.lower() != "https":
        wrong = "does not begin with https://, and a secret is sent to it"
    elif behind.strip("/"):
        wrong = "has something behind its host, such as a page or a query"
    else:
        wrong = "is not the address of an environment"
    raise ValueError(f"{wrong}; {correction}")


def _parts(address: str) -> tuple[str | None, str | None, str, str]:
    """Return scheme, user, host, and the rest."""
    parts = _PARTS.fullmatch(address)
    return (parts[1], parts[2], parts[3], parts[4]) if parts else (None, None, "", "")


def tenant(entered: str) -> str:
    """Return a directory's id or domain, without blanks around it.

    Raises:
        ValueError: it is something else.
    """
    directory = entered.strip()
    if re.fullmatch(r"[A-Za-z0-9.-]+", directory):
        return directory
    raise ValueError("is not the id of a directory (tenant), or its domain, such as hlf.no")
