"""The Dataverse Web API, as much of it as the sync needs (H2, H3).

Source: Microsoft's documentation of the Dataverse Web API ("Update and delete table rows", "Query
data", "Service protection API limits", "Compose HTTP requests and handle errors").
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import quote

from mentor_pause.errors import PortalError, PortalThrottled, PortalUnavailable
from mentor_pause.http import Response
from mentor_pause.portal import (
    Certification,
    CertificationPage,
    Finding,
    MentorState,
    PortalMentor,
    PortalMentorPage,
    Pushed,
)
from mentor_pause.portal.answers import error_of, json_object
from mentor_pause.portal.listings import (
    STATE,
    certification_of,
    certification_page,
    mentor_of,
    mentor_page,
)
from mentor_pause.portal.mapping import Mapping as PortalMapping
from mentor_pause.portal.mapping import same
from mentor_pause.portal.requests import Requests
from mentor_pause.portal.rows import LONGEST_KEY, Unreadable

_PAGE_SIZE = 1000
_OK, _NO_CONTENT = 200, 204
_NOT_IN_A_KEY = re.compile(r"[/<>*%&:\\?+#\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ROW_ID = re.compile(r"[0-9A-Za-z_-]{1,200}")
_NO_SUCH_ROW = ("0x80060891", "0x80040217")
"""Codes of a 404 about a row. With another code, or none, the table or the address is wrong."""


@dataclass(frozen=True, slots=True)
class Dataverse:
    """The portal, reached by its Web API."""

    requests: Requests
    """Sends and retries."""
    mapping: PortalMapping
    """The portal's own names."""

    def close(self) -> None:
        """Close the connections."""
        self.requests.close()

    def push(self, mentor: MentorState) -> Pushed:
        """See `Portal.push`. Without `If-Match: *`, Dataverse would create an unknown key."""
        names = self.mapping.mentors
        response = self.requests.send(
            "PATCH",
            f"{names.entity_set}({names.key}={quoted(mentor.key)})",
            headers={"If-Match": "*"},
            json=names.columns(mentor.status, mentor.reason, mentor.effective_on),
            accepted=(204, 404),
        )
        if response.status_code == _NO_CONTENT:
            return "updated"
        error = _assert_no_such_row(response)
        if self.mentor(mentor.key) is not None:
            # The mentor's row exists, so another row is missing that the update needs.
            raise PortalError(f"{error}, although the mentor is there", error.status, error.code)
        return "unknown"

    def ping(self) -> bool:
        """See `Portal.ping`."""
        try:
            self.requests.read("WhoAmI")
        except PortalThrottled:
            raise
        except PortalUnavailable:
            return False
        except PortalError:
            return True  # it answers, although with an error
        return True

    def certifications(self, since: datetime | None) -> Iterator[CertificationPage]:
        """See `Portal.certifications`."""
        names = self.mapping.certifications
        filtered = (
            f"&$filter=modifiedon ge {since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if since else ""
        )
        query = f"{self._certification_columns()}{filtered}&$orderby=modifiedon asc,{names.id} asc"
        for page, rows in enumerate(self._pages(f"{names.entity_set}?{query}"), 1):
            yield certification_page(names, page, rows)

    def certification(self, row_id: str) -> Certification | None:
        """See `Portal.certification`."""
        names = self.mapping.certifications
        if not _ROW_ID.fullmatch(row_id):
            raise PortalError("the portal cannot be asked for a row with such an id")
        row = self._row(f"{names.entity_set}({row_id})?{self._certification_columns()}")
        if row is None:
            return None
        try:
            read = certification_of(names, row)
        except Unreadable as error:
            raise PortalError(f"the certification's row cannot be read: {error}") from error
        return read if isinstance(read, Certification) else None

    def _certification_columns(self) -> str:
        names = self.mapping.certifications
        columns = (names.id, names.mentor_key, names.expires_on, "modifiedon", STATE)
        return f"$select={','.join(dict.fromkeys(columns))}"

    def mentors(self) -> Iterator[PortalMentorPage]:
        """See `Portal.mentors`."""
        names = self.mapping.mentors
        query = f"{self._mentor_columns()}&$filter={names.key} ne null"
        for page, rows in enumerate(self._pages(f"{names.entity_set}?{query}"), 1):
            yield mentor_page(names, page, rows)

    def _mentor_columns(self) -> str:
        names = self.mapping.mentors
        columns = (names.key, *names.written, "modifiedon", STATE)
        return f"$select={','.join(dict.fromkeys(columns))}"

    def mentor(self, key: str) -> PortalMentor | None:
        """See `Portal.mentor`."""
        names = self.mapping.mentors
        row = self._row(f"{names.entity_set}({names.key}={quoted(key)})?{self._mentor_columns()}")
        if row is None:
            return None
        try:
            return mentor_of(names, row)
        except Unreadable as error:
            raise PortalError(f"the mentor's row cannot be read: {error}") from error

    def _row(self, link: str) -> dict[str, Any] | None:
        """Return one row; None: the portal says that it does not exist."""
        response = self.requests.send("GET", link, {}, accepted=(200, 404))
        if response.status_code == _OK:
            return json_object(response)
        _assert_no_such_row(response)
        return None

    def matches(self, mentor: PortalMentor, state: MentorState) -> bool:
        """See `Portal.matches`."""
        due = self.mapping.mentors.columns(state.status, state.reason, state.effective_on)
        return all(same(mentor.columns.get(column), value) for column, value in due.items())

    def _pages(self, first: str) -> Iterator[list[object]]:
        """Yield the rows of each page; the links to the next page are used exactly as given."""
        seen: set[object] = set()
        link: object = first
        while link is not None:
            if not isinstance(link, str) or not link or link in seen:
                raise PortalError("the portal's link to its next page leads nowhere")
            seen.add(link)
            body = self.requests.read(link, prefer=f"odata.maxpagesize={_PAGE_SIZE}")
            yield _rows(body)
            link = body.get("@odata.nextLink")

    def check(self) -> list[Finding]:
        """See `Portal.check`."""
        from mentor_pause.portal.preflight import check  # noqa: PLC0415 - operators only

        return check(self.requests, self.mapping)


def _assert_no_such_row(response: Response) -> PortalError:
    """Return the error of an answer that says a row does not exist; raise any other error."""
    error = error_of(response)
    if isinstance(error, PortalError) and error.code in _NO_SUCH_ROW:
        return error
    raise error


def _rows(body: dict[str, Any]) -> list[object]:
    rows: object = body.get("value")
    if not isinstance(rows, list):
        raise PortalError("the portal's answer has no list of rows")
    return cast("list[object]", rows)


def quoted(key: str) -> str:
    """Return a key as a literal in an address.

    Raises:
        PortalError: Dataverse takes no address with such a key.
    """
    if not key or len(key) > LONGEST_KEY or _NOT_IN_A_KEY.search(key):
        raise PortalError(
            "the mentor's portal key is empty, too long or has a character that no key may have"
        )
    return "'" + quote(key.replace("'", "''"), safe="'()!$,;=@~") + "'"
