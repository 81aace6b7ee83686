"""Names of this machine: a credential may be sent to it without TLS, and to no other machine.

`host.docker.internal` is Docker's name for the machine that runs a container. It counts only in a
container of `sam local invoke`: elsewhere the name may lead to any machine (docs/decisions/0036).
"""

DOCKER_HOST = "host.docker.internal"


def plain_http(*, in_sam: bool) -> str:
    """Return a pattern: the beginning of an address that needs no TLS. A port must follow it.

    `in_sam` says whether this is a container of `sam local invoke`.
    """
    return r"http://(127\.0\.0\.1|host\.docker\.internal)" if in_sam else r"http://127\.0\.0\.1"
