"""Answers every request of a browser; no exception leaves it (C4, C5)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

from aws_lambda_powertools import Logger

from console.answers import (
    NOT_SHOWN,
    Answer,
    FromAnotherSite,
    NoAccess,
    PageProblem,
    SignInRequired,
    Unavailable,
    UnknownPage,
)
from console.cookies import MARK, SESSION, removed, session_token
from console.request import LONGEST_PAGE, Request
from console.routes import Access, Route, find_route
from console.stylesheet import STYLESHEET
from console.visit import Person, Site, Visit
from mentor_pause.aws.lambda_events import is_request, kind_of
from mentor_pause.errors import (
    DatabaseError,
    Forbidden,
    MentorPauseError,
    NotFound,
    SessionEnded,
    TransientError,
    describe,
    origin,
)

_DATA_EXCEPTION = "22"
"""The class of the SQLSTATEs for a value that the database cannot read."""

_PLAIN = (
    '<!doctype html><html lang="nb"><meta charset="utf-8"><title>Feil</title>'
    "<h1>Siden kan ikke vises nå</h1><p>Prøv igjen om fem minutter. Hvis du trykket på en knapp, "
    "vet vi ikke om noe ble endret. Se etter før du trykker igjen.</p>"
    '<p lang="en">This page cannot be shown now. Try again in five minutes. If you pressed a '
    "button, we do not know whether something was changed. Look before you press it again."
)
"""The answer when even the page of an error cannot be rendered."""


@dataclass(frozen=True, slots=True)
class ConsoleRequestHandler:
    """Answers requests. `open_site` may raise when a setting is wrong."""

    open_site: Callable[[], Site]
    logger: Logger

    def __call__(self, event: object) -> dict[str, Any]:
        """Return the answer for API Gateway."""
        if not is_request(event):
            self.logger.warning(
                "refused: not a request of a REST API", extra={"event": kind_of(event)}
            )
            return Answer(HTTPStatus.BAD_REQUEST, _PLAIN).as_json()
        try:
            request = Request.parse(cast("Mapping[str, Any]", event))
            if request.method == "GET" and request.path == f"/static/{STYLESHEET.name}":
                return _stylesheet().as_json()
            return self._answer(Visit(self.open_site(), request)).as_json()
        except Exception as error:  # noqa: BLE001 - the person must get an answer
            self._log_failure(error)
            return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, _PLAIN).as_json()

    def _answer(self, visit: Visit) -> Answer:
        """Return the page, or the page of what went wrong."""
        found = find_route(visit.request.method, visit.request.path)
        try:
            if visit.request.method == "POST" and not visit.request.is_from_this_site:
                raise FromAnotherSite("another site sent the form")
            if found is None or found[0].access is not Access.ANYONE:
                visit = self._sign_in(visit)
            if found is None:
                raise UnknownPage("no such page")
            return self._show(visit, *found)
        except (SignInRequired, SessionEnded):
            return _to_sign_in(visit)
        except MentorPauseError as error:
            return self._problem(visit, error)

    def _show(self, visit: Visit, route: Route, numbers: tuple[str, ...]) -> Answer:
        _check_access(route, visit)
        answer = route.answer(replace(visit, parameters=numbers))
        if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self.logger.info("page shown", extra={"page": route.path, "status": answer.status})
        else:
            reason = "it is not known whether the run has begun"
            self.logger.error(NOT_SHOWN, extra={"page": route.path, "reason": reason})
        return answer

    def _sign_in(self, visit: Visit) -> Visit:
        """Return the visit with the person whose token the cookie holds, if there is one."""
        token = session_token(visit.request)
        if token is None:
            return visit
        try:
            arguments = {"p_org_id": str(visit.site.org_id)}
            access = visit.site.supabase.call(token, "get_my_access", arguments)
        except SessionEnded:
            return visit
        person = Person.parse(token, access)
        self.logger.append_keys(user_id=str(person.user_id))
        return replace(visit, person=person)

    def _problem(self, visit: Visit, error: MentorPauseError) -> Answer:
        problem = _problem_of(error)
        status = int(problem.status)
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self.logger.warning(
                "refused: %s",
                problem,
                extra={"status": status, "method": visit.request.method},
            )
        else:
            self._log_failure(error)
        is_form = visit.request.method == "POST"
        return visit.page("error.html", status, kind=type(problem).__name__, is_form=is_form)

    def _log_failure(self, error: Exception) -> None:
        self.logger.error(NOT_SHOWN, extra={"reason": describe(error), "origin": origin(error)})


def _problem_of(error: MentorPauseError) -> PageProblem:
    """Return what the page of an error says; raise the error if it is one of our own mistakes."""
    match error:
        case PageProblem():
            return error
        case Forbidden():
            return NoAccess("the database refused")
        case NotFound():
            return UnknownPage("the database has no such row")
        case DatabaseError() if (error.sqlstate or "").startswith(_DATA_EXCEPTION):
            return UnknownPage("the address or the form has a value that no page writes")
        case TransientError():
            return Unavailable(describe(error))
        case _:
            raise error


def _check_access(route: Route, visit: Visit) -> None:
    if not route.access.allows(visit.person):
        if visit.person is None:
            raise SignInRequired("nobody has signed in")
        raise NoAccess("the page is not for this person")


def _to_sign_in(visit: Visit) -> Answer:
    """Lead to the sign-in page, which leads back. A form that was sent has changed nothing."""
    back = visit.request.address if visit.request.method == "GET" else _page_of(visit.request.path)
    back = back if len(back) <= LONGEST_PAGE else ""
    has_ended = MARK in visit.request.cookies
    ended = "ended=1&" if has_ended else ""
    return visit.redirect(f"/sign-in?{ended}next={quote(back, safe='')}", removed(SESSION))


def _page_of(path: str) -> str:
    """Return the page that has the form: its own address, or the nearest one above it."""
    while path and not find_route("GET", path):
        path = path.rpartition("/")[0]
    return path


def _stylesheet() -> Answer:
    headers = (
        ("Content-Type", "text/css; charset=utf-8"),
        ("Cache-Control", "public, max-age=31536000, immutable"),
    )
    return Answer(HTTPStatus.OK, STYLESHEET.text, headers)
