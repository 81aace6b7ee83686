"""Names of this machine: a credential may be sent to it without TLS, and to no other machine.

`host.docker.internal` is Docker's name for the machine that runs a container. Nobody can own that
name on the internet: `.internal` is reserved for private networks. A deployed Lambda does not
resolve it, unless the account's own DNS defines it (docs/decisions/0036).
"""

DOCKER_HOST = "host.docker.internal"
PLAIN_HTTP = r"http://(127\.0\.0\.1|host\.docker\.internal)"
"""A pattern: the beginning of an address that needs no TLS. A port must follow it."""
