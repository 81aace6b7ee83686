"""The ports of the local stack."""

from urllib.parse import urlsplit

from local.stack import LocalStack


def tell_kept_ports(stack: LocalStack, aws_port: int, postgres_port: int) -> str | None:
    """Say that a stack that is up keeps its ports; None: no other ones are asked for; 0 is any."""
    kept = (stack.require().aws_port, urlsplit(stack.database_url()).port)
    asked = (aws_port, postgres_port)
    if all(port in (0, own) for port, own in zip(asked, kept, strict=True)):
        return None
    return (
        f"the stack is up and keeps its ports: {kept[0]} of the AWS emulator, {kept[1]} of"
        " PostgreSQL. For other ones type mentor-pause local down first"
    )
