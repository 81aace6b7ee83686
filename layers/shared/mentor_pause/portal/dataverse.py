"""The Dataverse Web API, as much of it as the sync needs (H2, H3).

Source: Microsoft's documentation of the Dataverse Web API ("Update and delete table rows", "Query
data", "Service protection API limits", "Compose HTTP requests and handle errors").
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast
from urllib.parse import quote

from mentor_pause.errors import PortalError, PortalUnavailable
from mentor_pause.portal import (
    Finding,
    MentorState,
    PortalMentor,
    Pushed,
    Renewal,
    RenewalPage,
)
from mentor_pause.portal.answers import error_of
from mentor_pause.portal.mapping import Mapping as PortalMapping
from mentor_pause.portal.requests import Requests

_PAGE_SIZE = 1000
_NO_CONTENT = 204
_NOT_IN_A_KEY = re.compile(r"[/<>*%&:\\?+#\x00-\x1f\x7f\ud800-\udfff]")
_NO_SUCH_ROW = ("0x80060891", "0x80040217")
"""Codes of a 404 that speak of the row. Others, or none, speak of the table or of the address."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


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
        moment = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if since else ""
        filtered = f"&$filter=modifiedon ge {moment}" if since else ""
        query = f"$select={','.join(columns)}{filtered}&$orderby=modifiedon asc,{names.id} asc"
        for rows in self._pages(f"{names.entity_set}?{query}"):
            yield self._renewal_page(rows)

    def _renewal_page(self, rows: list[dict[str, Any]]) -> RenewalPage:
        names = self._mapping.certifications
        renewals: list[Renewal] = []
        unreadable: list[str] = []
        until: datetime | None = None
        for row in rows:
            if not row.get(names.mentor_key) or not row.get(names.expires_on):
                continue  # nobody's, or without a day: not for us
            try:
                found = self._renewal(row)
            except (KeyError, TypeError, ValueError):
                unreadable.append(str(row.get(names.id)))
                continue
            renewals.append(found)
            until = max(until or found.modified_on, found.modified_on)
        return RenewalPage(tuple(renewals), tuple(unreadable), until)

    def _renewal(self, row: dict[str, Any]) -> Renewal:
        names = self._mapping.certifications
        text = str(row[names.expires_on])
        if not _DAY.fullmatch(text):
            raise ValueError(f"{names.expires_on} is no Date Only column")
        day = date.fromisoformat(text)
        if names.expires == "after the day" and day < date.max:
            day += timedelta(days=1)
        return Renewal(
            str(row[names.id]), str(row[names.mentor_key]), day, _moment(row["modifiedon"])
        )

    def mentors(self) -> Iterator[list[PortalMentor]]:
        """See `Portal.mentors`."""
        names = self._mapping.mentors
        columns = ",".join((names.key, *names.written, "modifiedon"))
        query = f"$select={columns}&$filter={names.key} ne null"
        for rows in self._pages(f"{names.entity_set}?{query}"):
            yield [
                PortalMentor(
                    str(row.get(names.key)),
                    names.status_of(row.get(names.status)),
                    row,
                    _moment_or_none(row.get("modifiedon")),
                )
                for row in rows
            ]

    def holds(self, mentor: PortalMentor, state: MentorState) -> bool:
        """See `Portal.holds`."""
        due = self._mapping.mentors.columns(state.status, state.reason, state.effective_on)
        return all(mentor.columns.get(column) == value for column, value in due.items())

    def _pages(self, first: str) -> Iterator[list[dict[str, Any]]]:
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


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a moment without an offset")
    return found


def _moment_or_none(value: object) -> datetime | None:
    try:
        return _moment(str(value))
    except ValueError:
        return None


def _rows(body: dict[str, Any]) -> list[dict[str, Any]]:
    rows: object = body.get("value")
    if not isinstance(rows, list):
        raise PortalError("the portal's answer has no list of rows")
    found = cast("list[object]", rows)
    if not all(isinstance(row, dict) for row in found):
        raise PortalError("the portal's answer has rows that are none")
    return cast("list[dict[str, Any]]", found)


def quoted(key: str) -> str:
    """Return a key as a literal in an address.

    Raises:
        PortalError: Dataverse cannot be asked for such a key.
    """
    if not key or _NOT_IN_A_KEY.search(key):
        raise PortalError("the mentor's portal key is empty or has a character no key may have")
    return "'" + quote(key.replace("'", "''"), safe="'()!$,;=@~") + "'"
