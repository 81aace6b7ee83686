"""A console and a browser without an API Gateway: real pages, and a dispatcher that notes.

The Supabase project is the caller's choice: `support.played_http`, or the stand-in over PostgreSQL.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit
from uuid import UUID, uuid4

from aws_lambda_powertools import Logger

from console.cookies import SESSION
from console.handle_request import ConsoleRequestHandler
from console.render import PageRenderer
from console.visit import Site
from mentor_pause.database.person_client import Supabase
from mentor_pause.domain.messages import DispatchRequest
from mentor_pause.domain.runs import run_id_of
from mentor_pause.errors import ConfigurationError, DispatcherUnavailable
from support.http import request_event
from support.roster import ORG

HOST = "console.example.org"
OURS = {"Host": HOST, "Sec-Fetch-Site": "same-origin"}
"""The headers that a browser sends with a form of the console's own page."""

RENDERER = cache(PageRenderer)


class Starter:
    """A dispatcher that notes the requests. A request that is repeated is the same run."""

    def __init__(self) -> None:
        """Each run starts."""
        self.requests: list[DispatchRequest] = []
        self.answer: dict[str, str] | None = {"status": "running"}
        """None: the dispatcher cannot be reached."""

    @property
    def runs(self) -> set[UUID]:
        """The runs that were asked for."""
        return {self._run_of(request) for request in self.requests}

    def __call__(self, request: DispatchRequest) -> dict[str, str]:
        """Note a request."""
        self.requests.append(request)
        if self.answer is None:
            raise DispatcherUnavailable("the dispatcher could not be reached in time")
        return self.answer

    def _run_of(self, request: DispatchRequest) -> UUID:
        return run_id_of(request.job_name, ORG, str(request.trigger_id))


@dataclass(frozen=True, slots=True)
class Page:
    """An answer as a browser gets it."""

    status: int
    text: str
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    """The whole `Set-Cookie` line by the cookie's name."""
    address: str

    @property
    def leads_to(self) -> str:
        """The path and query of the redirect, below the console."""
        url = urlsplit(urljoin(self.address, self.headers["Location"]))
        assert url.netloc == HOST
        assert (url.path + "/").startswith("/prod/console/")
        return url.path.removeprefix("/prod/console") + (f"?{url.query}" if url.query else "")


@dataclass
class Console:
    """The console's handler, with what a test decides about it."""

    supabase: Supabase
    starter: Starter = field(default_factory=Starter)
    errored: Sequence[UUID] | None = ()
    is_set_up: bool = True
    waits: list[float] = field(default_factory=list[float])
    """The seconds that a page would have waited."""

    def site(self) -> Site:
        """Return what the handler works with."""
        if not self.is_set_up:
            raise ConfigurationError("SUPABASE_URL is missing")
        return Site(
            ORG, self.supabase, RENDERER, self.starter, lambda _run: self.errored, LOGGER,
            self.waits.append,
        )  # fmt: skip

    @property
    def handler(self) -> ConsoleRequestHandler:
        """The real handler."""
        return ConsoleRequestHandler(self.site, LOGGER)

    def get(self, path: str, token: str = "", **headers: str) -> Page:
        """Open a page; `path` is below the console, and may have a query."""
        return self.ask(event_of("GET", path, {"Host": HOST} | headers, token))

    def post(self, path: str, form: Mapping[str, str], token: str = "", **headers: str) -> Page:
        """Send a form from a page of the console."""
        return self.ask(event_of("POST", path, OURS | headers, token, urlencode(form)))

    def ask(self, event: Mapping[str, Any]) -> Page:
        """Have the handler answer an event."""
        answer = self.handler(dict(event))
        several: dict[str, list[str]] = answer["multiValueHeaders"]
        cookies = {line.partition("=")[0]: line for line in several.get("Set-Cookie", [])}
        address = f"https://{HOST}/prod{event['path']}"
        headers = {name: values[0] for name, values in several.items()}
        return Page(answer["statusCode"], answer["body"], headers, cookies, address)


LOGGER = Logger(service="console-of-a-test")


def event_of(
    method: str, path: str, headers: Mapping[str, str], token: str = "", body: str | None = None
) -> dict[str, Any]:
    """Return the event of a browser's request; a `Cookie` among the headers is sent too."""
    url = urlsplit(path)
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    jar = [sent.get("Cookie", ""), f"{SESSION}={token}" if token else ""]
    if any(jar):
        sent["Cookie"] = "; ".join(filter(None, jar))
    return request_event(method, f"/console{url.path}", sent, body, query)


def some_id() -> str:
    """Return a number that nobody has."""
    return str(uuid4())
