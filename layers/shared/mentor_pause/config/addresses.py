"""Checks the addresses that people enter for the portal, and says what is wrong with one (H2).

A wrong address is never repeated: a pasted one may hold a session or a password. Its host alone is,
where it is plainly that of a Dataverse environment.
"""

import re

DOCKER_HOST = "host.docker.internal"


def plain_http(*, in_sam: bool) -> str:
    """Return a pattern: the beginning of an address that needs no TLS. A port must follow it.

    `in_sam` says whether this is a container of `sam local invoke`.
    """
    return r"http://(127\.0\.0\.1|host\.docker\.internal)" if in_sam else r"http://127\.0\.0\.1"


_PORT = r":([1-9]\d{0,3}|[1-5]\d{4}|6[0-5]\d{3})"
_SECURE = rf"https://[A-Za-z0-9.-]+({_PORT})?"
_PARTS = re.compile(r"(?:([A-Za-z]+)://)?(?:([^/?#]*)@)?([^/?#]*)(.*)", re.DOTALL)
_ENVIRONMENT = re.compile(r"[a-z0-9-]{1,63}(\.api)?\.crm[0-9]{0,2}\.dynamics\.com")


def secure_address(given: str, *, in_sam: bool) -> str:
    """Return an address that a secret may be sent to, without blanks around it.

    A secret goes over TLS, or to a program on this machine; `in_sam` as in `plain_http`.

    Raises:
        ValueError: what is wrong with it, as the end of a sentence.
    """
    address = given.strip()
    if re.fullmatch(rf"({_SECURE}|{plain_http(in_sam=in_sam)}{_PORT})/?", address):
        return address
    scheme, user, host, behind = _parts(address)
    meant = (
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
    raise ValueError(f"{wrong}; {meant}")


def _parts(address: str) -> tuple[str | None, str | None, str, str]:
    """Return scheme, user, host, and the rest."""
    found = _PARTS.fullmatch(address)
    return (found[1], found[2], found[3], found[4]) if found else (None, None, "", "")


def tenant(given: str) -> str:
    """Return a directory's id or domain, without blanks around it.

    Raises:
        ValueError: it is something else.
    """
    found = given.strip()
    if re.fullmatch(r"[A-Za-z0-9.-]+", found):
        return found
    raise ValueError("is not the id of a directory (tenant), or its domain, such as hlf.no")
