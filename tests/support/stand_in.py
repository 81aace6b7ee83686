"""Asks the stand-in portal as a client does."""

from collections.abc import Callable
from typing import Any

import httpx

from local.portal import CLIENT_ID, TENANT
from local.portal_tables import Row
from support.portal import MENTORS, SECRET

PAUSE = {"hlf_status": 100000001}
THE_MENTOR = f"{MENTORS}(hlf_mentornumber='1017')"


class Reader:
    """Sends requests to the stand-in as a client does, and returns the raw answers."""

    def __init__(self, url: str) -> None:
        """`url` is the address of the stand-in."""
        self.url = url
        self.http = httpx.Client(timeout=10)
        self.log_in()

    def log_in(self) -> httpx.Response:
        """Log in, and return the answer."""
        form = {
            "client_id": CLIENT_ID, "client_secret": SECRET, "scope": f"{self.url}/.default",
            "grant_type": "client_credentials",
        }  # fmt: skip
        answer = self.http.post(f"{self.url}/{TENANT}/oauth2/v2.0/token", data=form)
        if "application/json" in answer.headers["Content-Type"] and answer.is_success:
            token = answer.json()["access_token"]
            self.http.headers.update({
                "Authorization": f"Bearer {token}", "Accept": "application/json",
                "OData-Version": "4.0", "OData-MaxVersion": "4.0", "Prefer": "odata.maxpagesize=4",
            })  # fmt: skip
        return answer

    def get(self, link: str) -> httpx.Response:
        """GET an address, relative or as the portal gave it."""
        return self.http.get(
            link if link.startswith("http") else f"{self.url}/api/data/v9.2/{link}"
        )

    def patch(self, link: str = THE_MENTOR, body: Row = PAUSE) -> httpx.Response:
        """Change an existing row."""
        return self.http.patch(
            f"{self.url}/api/data/v9.2/{link}", json=body, headers={"If-Match": "*"}
        )

    def pages(self, link: str, meanwhile: Callable[[], object] = lambda: None) -> list[list[Any]]:
        """Return the days of each page of a listing; call `meanwhile` after the first page."""
        found: list[list[Any]] = []
        while link:
            body = self.get(link).json()
            found.append([row["hlf_validuntil"] for row in body["value"]])
            link = body.get("@odata.nextLink", "")
            if len(found) == 1:
                meanwhile()
        return found


def code(answer: httpx.Response) -> tuple[int, str]:
    """Return status and Dataverse's code."""
    return answer.status_code, answer.json()["error"]["code"]
