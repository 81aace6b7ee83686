"""Forwards connections from Docker containers to the loopback interface of this machine.

`python -m local.forwarder ADDRESS/BITS PORT...` listens on that address of Docker's bridge, and
connects to the same port of the loopback interface. It accepts only containers on the bridge:
Linux would also accept a connection from another machine on the network that sends packets for the
bridge's address (docs/decisions/0036).
"""

import asyncio
import os
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from ipaddress import IPv4Interface, ip_address
from pathlib import Path

from local.errors import StackError
from local.processes import LOOPBACK, Process, spawn, wait_until

_BYTES = 65536
_LISTENS = "the forwarder listens"


def start_forwarder(folder: Path, bridge: IPv4Interface, ports: Sequence[int]) -> Process:
    """Start a forwarder for these ports, and wait until it listens.

    Raises:
        StackError: it does not listen, for example because a port of the bridge is in use.
    """
    log = folder / "forwarder.log"
    log.unlink(missing_ok=True)
    command = [sys.executable, "-m", "local.forwarder", str(bridge), *map(str, ports)]
    process = spawn(command, os.environ, log)
    try:
        wait_until(
            lambda: process.find() is None or _LISTENS in log.read_text(), 15, "the forwarder"
        )
    except BaseException:
        process.stop()
        raise
    if process.find() is None:
        reason = log.read_text().strip().rpartition("\n")[2]
        raise StackError(
            f"containers cannot reach the local stack: {reason};"
            " correct it, then type: mentor-pause local up --docker"
        )
    return process


async def forward(bridge: IPv4Interface, ports: Sequence[int]) -> None:
    """Listen on the bridge's address, and forward until the process is ended.

    Raises:
        OSError: a port of that address cannot be listened on.
    """
    for port in ports:
        await asyncio.start_server(partial(_serve, bridge, port), str(bridge.ip), port)
    print(_LISTENS, flush=True)  # noqa: T201 - the log; `start_forwarder` waits for it
    await asyncio.Event().wait()


async def _serve(
    bridge: IPv4Interface, port: int, reader: StreamReader, writer: StreamWriter
) -> None:
    with suppress(OSError):
        if ip_address(writer.get_extra_info("peername")[0]) in bridge.network:
            there, back = await asyncio.open_connection(LOOPBACK, port)
            await _connect((reader, back), (there, writer))
    writer.close()


async def _connect(*ways: tuple[StreamReader, StreamWriter]) -> None:
    """Copy in both directions until both ends have finished or one connection has broken."""
    try:
        await asyncio.gather(*(_copy(source, target) for source, target in ways))
    finally:
        for _, target in ways:
            target.close()


async def _copy(source: StreamReader, target: StreamWriter) -> None:
    while data := await source.read(_BYTES):
        target.write(data)
        await target.drain()
    target.write_eof()  # the other direction may continue


if __name__ == "__main__":
    try:
        asyncio.run(forward(IPv4Interface(sys.argv[1]), [int(port) for port in sys.argv[2:]]))
    except OSError as error:
        sys.exit(str(error))
