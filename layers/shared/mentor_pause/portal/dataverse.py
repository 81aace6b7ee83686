"""The Dataverse Web API, as much of it as the sync needs (H2, H3).

Source: Microsoft's documentation of the Dataverse Web API ("Update and delete table rows", "Query
data", "Service protection API limits", "Compose HTTP requests and handle errors").
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, cast
from urllib.parse import quote

from mentor_pause.errors import PortalError
from mentor_pause.portal import Finding, MentorState, PortalMentor, Pushed, Renewal
from mentor_pause.portal.mapping import Mapping as PortalMapping
from mentor_pause.portal.requests import Requests, error_of

_PAGE_SIZE = 1000
_NO_CONTENT = 204
_NOT_IN_A_KEY = re.compile(r"[/<>*%&:\\?+#\x00-\x1f\x7f]")
_NO_SUCH_ROW = ("", "0x80060891", "0x80040217")
"""Codes of a 404 that speak of the row; others speak of the table or the address."""


class Dataverse:
    """The portal by its Web API."""

    def __init__(self, requests: Requests, mapping: PortalMapping) -> None:
        """`requests` sends and retries; `mapping` says what the portal calls things."""
        self._requests = requests
        self._mapping = mapping

    def close(self) -> None:
        """Close the connections."""
        self._requests.close()

    def push(self, mentor: MentorState) -> Pushed:
        """See `Portal.push`. `If-Match: *`: without it a key that is not there would be created."""
        names = self._mapping.mentors
        response = self._requests.send(
            "PATCH",
            f"{names.entity_set}({names.key}={quoted(mentor.key)})",
            headers={"If-Match": "*"},
            json=names.columns(mentor.status, mentor.reason, mentor.effective_on),
            accepted=(204, 404),
        )
        if response.status_code == _NO_CONTENT:
            return "updated"
        error = error_of(response)
        if isinstance(error, PortalError) and error.code in _NO_SUCH_ROW:
            return "unknown"
        raise error

    def renewals(self, since: datetime | None) -> Iterator[list[Renewal]]:
        """See `Portal.renewals`."""
        names = self._mapping.certifications
        columns = dict.fromkeys((names.id, names.mentor_key, names.expires_on, "modifiedon"))
        filtered = f"&$filter=modifiedon ge {since:%Y-%m-%dT%H:%M:%SZ}" if since else ""
        query = f"$select={','.join(columns)}{filtered}&$orderby=modifiedon asc"
        for rows in self._pages(f"{names.entity_set}?{query}"):
            yield [found for row in rows if (found := self._renewal(row)) is not None]

    def _renewal(self, row: Mapping[str, Any]) -> Renewal | None:
        """A row without a mentor or a day is not for us."""
        names = self._mapping.certifications
        key, day = row.get(names.mentor_key), row.get(names.expires_on)
        if not key or not day:
            return None
        first_day_without = date.fromisoformat(str(day)[:10]) + timedelta(
            days=1 if names.expires == "after the day" else 0
        )
        return Renewal(
            str(row[names.id]),
            str(key),
            first_day_without,
            datetime.fromisoformat(row["modifiedon"]),
        )

    def mentors(self) -> Iterator[list[PortalMentor]]:
        """See `Portal.mentors`."""
        names = self._mapping.mentors
        query = f"$select={names.key},{names.status}&$filter={names.key} ne null"
        for rows in self._pages(f"{names.entity_set}?{query}"):
            yield [
                PortalMentor(str(row[names.key]), names.status_of(row.get(names.status)))
                for row in rows
            ]

    def _pages(self, first: str) -> Iterator[list[dict[str, Any]]]:
        """Follow the server's links to the letter; each asks for the same size of page."""
        link: str | None = first
        while link is not None:
            body = self._requests.read(link, prefer=f"odata.maxpagesize={_PAGE_SIZE}")
            rows = body.get("value")
            if not isinstance(rows, list):
                raise PortalError("the portal's answer has no list of rows")
            yield cast("list[dict[str, Any]]", rows)
            link = body.get("@odata.nextLink")

    def check(self) -> list[Finding]:
        """See `Portal.check`."""
        from mentor_pause.portal.preflight import check  # noqa: PLC0415 - operators only

        return check(self._requests, self._mapping)


def quoted(key: str) -> str:
    """Return a key as a literal in an address.

    Raises:
        PortalError: Dataverse cannot be asked for such a key.
    """
    if not key or _NOT_IN_A_KEY.search(key):
        raise PortalError("the mentor's portal key is empty or has a character no key may have")
    return "'" + quote(key.replace("'", "''"), safe="'()!$,;=@~") + "'"
