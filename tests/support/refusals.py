"""A server that answers a login as PostgreSQL's protocol has it, with one refusal."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress

_SSL_REQUEST = (80877103).to_bytes(4)


@contextmanager
def refusing_server(message: str, code: str = "") -> Generator[str]:
    """Refuse every login with FATAL and a message; yield the URL. Poolers often send no code."""
    fields = {"S": "FATAL", "V": "FATAL", **({"C": code} if code else {}), "M": message}
    body = b"".join(f"{k}{v}\0".encode() for k, v in fields.items()) + b"\0"
    answer = b"E" + (len(body) + 4).to_bytes(4) + body

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client, suppress(OSError):
                    if client.recv(1000)[4:8] == _SSL_REQUEST:
                        client.sendall(b"N")
                        client.recv(1000)
                    client.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield f"postgresql://job_role:TOPSECRET@127.0.0.1:{listener.getsockname()[1]}/a_database"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
