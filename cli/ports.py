"""The ports of the local stack."""

from urllib.parse import urlsplit

from local.stack import LocalStack


def describe_kept_ports(stack: LocalStack, aws_port: int, postgres_port: int) -> str | None:
    """Say that a stack that is up keeps its ports; None: it has the requested ones (0: any)."""
    kept = (stack.require().aws_port, urlsplit(stack.database_url()).port)
    requested = (aws_port, postgres_port)
    if all(port in (0, own) for port, own in zip(requested, kept, strict=True)):
        return None
    return (
        f"the stack is up and keeps its ports: {kept[0]} for the AWS emulator, {kept[1]} for"
        " PostgreSQL. For other ports, stop it first: mentor-pause local down"
    )
