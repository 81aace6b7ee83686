"""The answer of a page, and the errors that have a page of their own."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.shared.cookies import Cookie

from mentor_pause.errors import MentorPauseError

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Content-Type": "text/html; charset=utf-8",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every answer. Source: OWASP, "HTTP Security Response Headers Cheat Sheet" (C5)."""

NOT_SHOWN = "page not shown"
"""The log line of every answer with a status of 500 or more, and of a code that was not sent.

ConsoleErrorsAlarm counts it.
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a browser."""

    status: int
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    cookies: tuple[Cookie, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the answer for API Gateway."""
        headers = HEADERS | dict(self.headers)
        several = {name: [value] for name, value in headers.items()}
        if self.cookies:
            several["Set-Cookie"] = [str(cookie) for cookie in self.cookies]
        return {
            "statusCode": self.status,
            "multiValueHeaders": several,
            "body": self.body,
            "isBase64Encoded": False,
        }


class PageProblem(MentorPauseError):
    """A page cannot be shown, or a form has changed nothing; `error.html` says why."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR


class SignInRequired(PageProblem):
    """The page is for people who have signed in."""

    status = HTTPStatus.UNAUTHORIZED


class NoAccess(PageProblem):
    """The page is not for this person, or what it shows is not theirs."""

    status = HTTPStatus.FORBIDDEN


class FromAnotherSite(PageProblem):
    """Another site sent the form."""

    status = HTTPStatus.FORBIDDEN


class UnknownPage(PageProblem):
    """There is no such page, or nothing with that number."""

    status = HTTPStatus.NOT_FOUND


class Unavailable(PageProblem):
    """A service that the page needs is away."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
