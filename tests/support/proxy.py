"""A TCP proxy between a client and a server, which can be slow, frozen, or cut.

Every setting may be changed while connections are open:

    with running_proxy((host, port)) as proxy:      # proxy.port on the loopback interface
        proxy.delay = 0.05                          # seconds each way: a round trip takes 0.1
        proxy.drip = 2.0                            # seconds between two bytes of an answer
        proxy.close_after(10)                       # ends each answer in its middle
        proxy.freeze(); proxy.thaw(); proxy.cut()

`latency(host, port, seconds)` is the short form for a slow network.
"""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Generator
from contextlib import ExitStack, contextmanager, suppress
from itertools import batched

LOOPBACK = "127.0.0.1"


class Proxy:
    """Carries bytes between its clients and one server."""

    def __init__(self, server: tuple[str, int]) -> None:
        """Listen on a loopback port; `port` is its number."""
        self.delay = 0.0
        """Seconds that bytes take in each direction."""
        self.drip = 0.0
        """Seconds between two bytes of an answer; 0 sends answers as they come."""
        self._server = server
        self._answer_bytes: int | None = None
        self._loop = asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self._flows.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener = socket.create_server((LOOPBACK, 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        """Take connections, in a thread."""
        self._thread.start()
        self._do(asyncio.start_server(self._accept, sock=self._listener))

    def freeze(self) -> None:
        """Hold back everything, in both directions; connections stay open."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def thaw(self) -> None:
        """Let everything flow again, what was held back first."""
        self._loop.call_soon_threadsafe(self._flows.set)

    def close_after(self, count: int | None) -> None:
        """Close a connection once so many more bytes of answers were sent; None: never."""
        self._answer_bytes = count

    def cut(self) -> None:
        """End every connection without a word."""
        self._do(self._end_connections())

    def close(self) -> None:
        """End every connection, and the proxy."""
        self._do(self._end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
        self._listener.close()

    def _do[T](self, work: Coroutine[None, None, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(5)

    async def _end_connections(self) -> None:
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _end_tasks(self) -> None:
        await self._end_connections()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._server)
        except OSError:
            writer.transport.abort()
            return
        ways = ((reader, server_writer, False), (server_reader, writer, True))
        self._writers |= {writer, server_writer}
        for way in ways:
            self._spawn(self._carry(*way))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: bool
    ) -> None:
        """Read at once and send later, so that a delay does not hold up the bytes behind it."""
        arrived: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self._spawn(self._send(arrived, writer, answers=answers))
        with suppress(OSError):
            while data := await reader.read(65536):
                arrived.put_nowait((self._loop.time() + self.delay, data))
        arrived.put_nowait((self._loop.time() + self.delay, b""))

    async def _send(
        self,
        arrived: "asyncio.Queue[tuple[float, bytes]]",
        writer: asyncio.StreamWriter,
        *,
        answers: bool,
    ) -> None:
        try:
            while (found := await arrived.get())[1] and not writer.is_closing():
                due, data = found
                await asyncio.sleep(due - self._loop.time())
                await self._flows.wait()
                await self._write(writer, self._limited(data) if answers else data, answers)
                if answers and self._answer_bytes == 0:
                    break
        except OSError:
            pass  # the other side is gone
        finally:
            writer.close()
            self._writers.discard(writer)

    def _limited(self, data: bytes) -> bytes:
        if self._answer_bytes is None:
            return data
        sent = data[: self._answer_bytes]
        self._answer_bytes -= len(sent)
        return sent

    async def _write(self, writer: asyncio.StreamWriter, data: bytes, answers: bool) -> None:
        pause = self.drip if answers else 0.0
        for part in batched(data, 1, strict=True) if pause else (data,):
            writer.write(bytes(part))
            await writer.drain()
            if pause:
                await asyncio.sleep(pause)


@contextmanager
def running_proxy(server: tuple[str, int]) -> Generator[Proxy]:
    """Run a proxy before a server."""
    proxy = Proxy(server)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.close()


@contextmanager
def latency(host: str, port: int, seconds: float) -> Generator[tuple[str, int]]:
    """Make every round trip to a server last so many seconds longer; yield the address to use."""
    with running_proxy((host, port)) as proxy:
        proxy.delay = seconds / 2
        yield LOOPBACK, proxy.port


@contextmanager
def silent_server(host: str = LOOPBACK, port: int = 0) -> Generator[tuple[str, int]]:
    """Take connections and never answer; yield the address."""
    with socket.create_server((host, port), backlog=128) as listener:
        yield host, listener.getsockname()[1]


@contextmanager
def silent_addresses(*hosts: str) -> Generator[int]:
    """Let connections to these loopback addresses hang; yield their common port.

    A listener whose backlog is full drops what else arrives, as a firewall does.
    """
    with ExitStack() as stack:
        port = 0
        for host in hosts:
            listener = stack.enter_context(socket.create_server((host, port), backlog=0))
            port = listener.getsockname()[1]
            for _ in range(4):
                filler = stack.enter_context(socket.socket())
                filler.settimeout(0)
                filler.connect_ex((host, port))
        yield port
