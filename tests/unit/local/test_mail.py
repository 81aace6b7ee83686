"""The emulator's mails are read from its page of sent messages."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.error import URLError

import pytest

from local.mail import read_mails
from local.processes import LOOPBACK, free_port


@contextmanager
def emulator(accounts: dict[str, Any]) -> Generator[int]:
    """Serve the emulator's page with the mails of these accounts; yield the port."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/_ministack/ses/messages" else 404)
            self.end_headers()
            self.wfile.write(json.dumps({"messages": accounts}).encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Log nothing."""

    with HTTPServer((LOOPBACK, 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def row(subject: str, moment: float, **more: object) -> dict[str, object]:
    """Return a mail as the emulator writes it."""
    return {
        "To": ["kari@example.com"], "Subject": subject, "BodyText": "Hei", "BodyHtml": None,
        "Timestamp": moment,
    } | more  # fmt: skip


def test_the_newest_mail_is_the_last() -> None:
    """The emulator groups mails by account; a mail may lack one of its two texts."""
    with emulator({"1": [row("c", 3), row("a", 1)], "2": [row("b", 2, BodyHtml="<p>")]}) as port:
        mails = read_mails(port)
    assert [mail.subject for mail in mails] == ["a", "b", "c"]
    assert [mail.html for mail in mails] == ["", "<p>", ""]
    assert (mails[0].to, mails[0].text) == (("kari@example.com",), "Hei")
    assert mails[0].sent_at.isoformat() == "1970-01-01T00:00:01+00:00"


def test_without_a_mail_the_list_is_empty() -> None:
    """A new emulator knows no account yet."""
    with emulator({}) as port:
        assert read_mails(port) == []


def test_an_emulator_that_does_not_answer_is_an_error() -> None:
    """The command line has a sentence for it."""
    with pytest.raises(URLError):
        read_mails(free_port())
