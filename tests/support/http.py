"""The HTTP entry over a night: requests in API Gateway's format, and the night's dispatcher."""

import json
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

from api.authentication import Authenticator
from api.handle_request import HttpRequestHandler
from api.runs import Runs
from mentor_pause.database.client import Database
from mentor_pause.database.pooled import PooledTransport
from mentor_pause.domain.messages import DispatchRequest
from support import identity
from support.cluster import Cluster
from support.night import Night
from support.roster import ORG, Roster

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to API Gateway."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        """The body, which is always JSON."""
        return json.loads(self.text)


class Http:
    """The request handler, built as its Lambda builds it."""

    def __init__(self, night: Night, database: Database) -> None:
        """The database is opened with the HTTP entry's own role."""
        self.night = night
        self.answer: dict[str, str] | Exception | None = {}
        """The dispatcher's answer; {}: the night's own dispatcher answers."""
        dispatcher: Any = self._dispatch
        self.runs = Runs(ORG, database, night.ledger, dispatcher, night.logger)
        self.handler = HttpRequestHandler(
            lambda: Authenticator([identity.MACHINE_SECRET], identity.token_verifier().verify),
            lambda: self.runs,
            night.logger,
        )

    def _dispatch(self, request: DispatchRequest) -> dict[str, str] | None:
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer != {}:
            return self.answer
        return self.night.handle(request.model_dump(mode="json"))

    def ask(
        self, method: str, path: str, credential: str | None, body: str | None = None, **query: str
    ) -> Answer:
        """Send a request of a person or a machine."""
        header = {} if credential is None else {"Authorization": f"Bearer {credential}"}
        return self.send(request_event(method, path, header, body, query))

    def send(self, event: object) -> Answer:
        """Pass an event to the request handler."""
        found = self.handler(event, None)  # pyright: ignore[reportArgumentType] - it asks nothing of it
        several: dict[str, list[str]] = found.get("multiValueHeaders") or {}
        headers = {n: vs[-1] for n, vs in several.items()} | dict(found.get("headers") or {})
        return Answer(found["statusCode"], headers, found["body"])

    def start(
        self, credential: str, job: str = "certification_expiry", **options: object
    ) -> Answer:
        """Request a run."""
        return self.ask("POST", f"/jobs/{job}/runs", credential, json.dumps(options))


def request_event(
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: str | None = None,
    query: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return an event in the format of API Gateway's REST API."""
    resource, parameters = _resource(path)
    sent = dict(headers) | ({"Content-Type": "application/json"} if body is not None else {})
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": sent or None,
        "multiValueHeaders": {name: [value] for name, value in sent.items()} or None,
        "queryStringParameters": dict(query) if query else None,
        "multiValueQueryStringParameters": {n: [v] for n, v in query.items()} if query else None,
        "pathParameters": parameters,
        "stageVariables": None,
        "requestContext": {
            "requestId": f"request-{next(_numbers)}",
            "stage": "dev",
            "path": f"/dev{path}",
            "httpMethod": method,
            "resourcePath": resource,
        },
        "body": body,
        "isBase64Encoded": False,
    }


def _resource(path: str) -> tuple[str, dict[str, str] | None]:
    match path.strip("/").split("/"):
        case ["jobs", job_name, "runs"]:
            return "/jobs/{job_name}/runs", {"job_name": job_name}
        case ["runs", job_run_id]:
            return "/runs/{job_run_id}", {"job_run_id": job_run_id}
        case ["runs", job_run_id, "plan" | "approval" | "withdrawal" as part]:
            return f"/runs/{{job_run_id}}/{part}", {"job_run_id": job_run_id}
        case ["mentors", mentor_id, "why"]:
            return "/mentors/{mentor_id}/why", {"mentor_id": mentor_id}
        case _:
            return path, None


@contextmanager
def open_http(night: Night, roster: Roster, cluster: Cluster) -> Generator[Http]:
    """Build an HTTP entry over a night."""
    with closing(PooledTransport(cluster.url(roster.db, "mentor_pause_api"))) as transport:
        yield Http(night, Database(transport, night.retry))


def add_member(roster: Roster, role: str) -> UUID:
    """Add a member to the organisation, and return the user id."""
    member = roster.add_coordinator(chapters=[roster.chapter_id])
    roster.db.execute("update org_members set role = %s where user_id = %s", (role, member))
    return member


def run_of(answer: Answer) -> UUID:
    """Return the run of an answer, and check that `Location` leads to it."""
    job_run_id = UUID(answer.body["job_run_id"])
    assert answer.headers["Location"] == f"../../runs/{job_run_id}"
    return job_run_id


def problem_of(answer: Answer) -> str:
    """Return the type of an answer's problem details, and check the members of RFC 9457."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.body.keys() >= {"type", "title", "status", "detail"}
    assert answer.body["status"] == answer.status
    return answer.body["type"]
