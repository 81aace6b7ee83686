"""HLF's portal for tests: the stand-in with the example's tables, and a client for it."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

import httpx
from pydantic import SecretStr

from local import portal_example
from local.portal import CLIENT_ID, TENANT, serving
from local.portal_tables import Portal
from mentor_pause.config import PortalSettings
from mentor_pause.portal import MentorState
from mentor_pause.portal.dataverse import Dataverse
from mentor_pause.portal.mapping import Mapping
from mentor_pause.portal.requests import Requests, Timing
from support.played_http import played

EXAMPLE = portal_example.example_mapping()
MENTORS, CERTIFICATIONS = "hlf_likepersons", "hlf_certifications"
SECRET = "the-portals-secret"
PAUSED = MentorState("1017", "paused", "certification_expired", date(2026, 11, 22))
"""The state of a paused mentor, as the sync sends it."""


def example_portal() -> Portal:
    """Return the portal that docs/portal-mapping.json describes, without rows."""
    return portal_example.example_portal(SECRET)


@dataclass
class Time:
    """Time that passes only by sleeping."""

    left: float = 50.0
    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.now += seconds
        self.left -= seconds

    def timing(self) -> Timing:
        """Return this time as the client's timing."""
        return Timing(lambda: self.left, self.sleep, lambda: self.now, lambda: 1.0)


def settings(url: str, secret: str = SECRET) -> PortalSettings:
    """Return the settings for a portal at `url`, which is also the address of its login."""
    return PortalSettings(
        portal_url=url,
        portal_tenant=TENANT,
        portal_client_id=CLIENT_ID,
        portal_client_secret=SecretStr(secret),
        portal_login_url=url,
    )


def environment(url: str) -> dict[str, str]:
    """Return the environment variables for a portal at `url`."""
    return {
        "PORTAL_URL": url, "PORTAL_LOGIN_URL": url, "PORTAL_TENANT": TENANT,
        "PORTAL_CLIENT_ID": CLIENT_ID, "PORTAL_CLIENT_SECRET": SECRET,
    }  # fmt: skip


@contextmanager
def client(url: str, time: Time, mapping: Mapping = EXAMPLE) -> Generator[Dataverse]:
    """Yield the real client for a portal at `url`."""
    found = Dataverse(Requests(settings(url), time.timing()), mapping)
    try:
        yield found
    finally:
        found.close()


@contextmanager
def connected(portal: Portal, time: Time, mapping: Mapping = EXAMPLE) -> Generator[Dataverse]:
    """Serve a portal, and connect the real client to it."""
    with serving(portal) as url, client(url, time, mapping) as found:
        yield found


def recorded(
    answer: Callable[[httpx.Request], httpx.Response], mapping: Mapping = EXAMPLE
) -> Dataverse:
    """Return the real client over a transport that calls `answer`; the login always succeeds."""

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            return httpx.Response(200, json={"access_token": "a-token", "expires_in": 3599})
        return answer(request)

    transport = played(handler)
    requests = Requests(settings("https://hlf.crm4.example"), Time().timing(), transport)
    return Dataverse(requests, mapping)


def the_mentor(portal: Portal) -> dict[str, object]:
    """Return the only row of mentors."""
    (row,) = portal.table(MENTORS).rows.values()
    return row
