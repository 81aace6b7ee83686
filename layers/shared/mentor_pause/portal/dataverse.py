"""The Dataverse Web API, as much of it as the sync needs (H2, H3).

Source: Microsoft's documentation of the Dataverse Web API ("Update and delete table rows", "Query
data", "Service protection API limits", "Compose HTTP requests and handle errors").
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import quote

import httpx

from mentor_pause.errors import PortalError, PortalUnavailable
from mentor_pause.portal import (
    Finding,
    MentorPage,
    MentorState,
    PortalMentor,
    Pushed,
    RenewalPage,
)
from mentor_pause.portal.answers import error_of, json_object
from mentor_pause.portal.listings import mentor_of, mentor_page, renewal_page
from mentor_pause.portal.mapping import Mapping as PortalMapping
from mentor_pause.portal.mapping import same
from mentor_pause.portal.requests import Requests
from mentor_pause.portal.rows import LONGEST_KEY, Unreadable

_PAGE_SIZE = 1000
_OK, _NO_CONTENT = 200, 204
_NOT_IN_A_KEY = re.compile(r"[/<>*%&:\\?+#\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_NO_SUCH_ROW = ("0x80060891", "0x80040217")
"""Codes of a 404 that speak of the row. Others, or none, speak of the table or of the address."""


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
        _assert_no_such_row(response)
        return "unknown"

    def is_there(self) -> bool:
        """See `Portal.is_there`."""
        try:
            self._requests.read("WhoAmI")
        except PortalUnavailable:
            return False
        except PortalError:
            return True  # an answer, if no good one
        return True

    def renewals(self, since: datetime | None) -> Iterator[RenewalPage]:
        """See `Portal.renewals`."""
        names = self._mapping.certifications
        columns = dict.fromkeys((names.id, names.mentor_key, names.expires_on, "modifiedon"))
        filtered = (
            f"&$filter=modifiedon ge {since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if since else ""
        )
        query = f"$select={','.join(columns)}{filtered}&$orderby=modifiedon asc,{names.id} asc"
        for page, rows in enumerate(self._pages(f"{names.entity_set}?{query}"), 1):
            yield renewal_page(names, page, rows)

    def mentors(self) -> Iterator[MentorPage]:
        """See `Portal.mentors`."""
        names = self._mapping.mentors
        query = f"{self._mentor_columns()}&$filter={names.key} ne null"
        for page, rows in enumerate(self._pages(f"{names.entity_set}?{query}"), 1):
            yield mentor_page(names, page, rows)

    def _mentor_columns(self) -> str:
        names = self._mapping.mentors
        return f"$select={','.join((names.key, *names.written, 'modifiedon'))}"

    def mentor(self, key: str) -> PortalMentor | None:
        """See `Portal.mentor`."""
        names = self._mapping.mentors
        link = f"{names.entity_set}({names.key}={quoted(key)})?{self._mentor_columns()}"
        response = self._requests.send("GET", link, {}, accepted=(200, 404))
        if response.status_code == _OK:
            try:
                return mentor_of(names, json_object(response))
            except Unreadable as error:
                raise PortalError("the mentor's row in the portal cannot be read") from error
        _assert_no_such_row(response)
        return None

    def holds(self, mentor: PortalMentor, state: MentorState) -> bool:
        """See `Portal.holds`."""
        due = self._mapping.mentors.columns(state.status, state.reason, state.effective_on)
        return all(same(mentor.columns.get(column), value) for column, value in due.items())

    def _pages(self, first: str) -> Iterator[list[object]]:
        """Follow the server's links to the letter; each asks for the same size of page."""
        seen: set[object] = set()
        link: object = first
        while link is not None:
            if not isinstance(link, str) or not link or link in seen:
                raise PortalError("the portal's link to its next page leads nowhere")
            seen.add(link)
            body = self._requests.read(link, prefer=f"odata.maxpagesize={_PAGE_SIZE}")
            yield _rows(body)
            link = body.get("@odata.nextLink")

    def check(self) -> list[Finding]:
        """See `Portal.check`."""
        from mentor_pause.portal.preflight import check  # noqa: PLC0415 - operators only

        return check(self._requests, self._mapping)


def _assert_no_such_row(response: httpx.Response) -> None:
    """Raise the error of an answer, unless it says that this very row is not there."""
    error = error_of(response)
    if not (isinstance(error, PortalError) and error.code in _NO_SUCH_ROW):
        raise error


def _rows(body: dict[str, Any]) -> list[object]:
    rows: object = body.get("value")
    if not isinstance(rows, list):
        raise PortalError("the portal's answer has no list of rows")
    return cast("list[object]", rows)


def quoted(key: str) -> str:
    """Return a key as a literal in an address.

    Raises:
        PortalError: Dataverse cannot be asked for such a key.
    """
    if not key or len(key) > LONGEST_KEY or _NOT_IN_A_KEY.search(key):
        raise PortalError(
            "the mentor's portal key is empty, too long or has a character no key may have"
        )
    return "'" + quote(key.replace("'", "''"), safe="'()!$,;=@~") + "'"
