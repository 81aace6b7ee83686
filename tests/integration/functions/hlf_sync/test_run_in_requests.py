"""Each request to the portal names the run for which it was sent (docs/decisions/0051)."""

from typing import override
from urllib.parse import urlsplit
from uuid import UUID

from mentor_pause.http import Request, Response
from mentor_pause.http.client import HttpClient
from mentor_pause.portal.dataverse import Dataverse
from mentor_pause.portal.requests import Requests, Timing
from mentor_pause.retry import Remaining
from support.portal import settings
from support.sync import EXAMPLE, SyncNight


class Recorder(HttpClient):
    """Records which run each request names."""

    def __init__(self) -> None:
        """It reaches the stand-in."""
        super().__init__()
        self.named: dict[str, str | None] = {}

    @override
    def send(self, request: Request) -> Response:
        """Send the request."""
        self.named[urlsplit(request.url).path] = request.headers.get("x-ms-correlation-id")
        return super().send(request)


def test_every_request_of_a_sync_to_the_portal_names_its_run(
    night: SyncNight, mentors: list[UUID]
) -> None:
    """The login does not: it gets a token that later runs use too."""
    sent = Recorder()

    def open_portal(remaining: Remaining) -> Dataverse:
        return Dataverse(Requests(settings(night._url), Timing(remaining), sent), EXAMPLE)

    night.take_from(open_portal)
    summary = night.sync()
    assert summary["synced_count"] == len(mentors)
    to_portal = {path: run for path, run in sent.named.items() if "/api/data/" in path}
    assert len(to_portal) > len(mentors)
    assert set(to_portal.values()) == {summary["job_run_id"]}
    assert {run for path, run in sent.named.items() if path not in to_portal} == {None}
