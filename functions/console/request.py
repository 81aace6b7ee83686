"""Reads what a page needs from an API Gateway event."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any, Literal, cast
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from texts.catalogue import Language

BASE = "/console"
_LONGEST_BODY = 20_000
_MOST_FIELDS = 50
_MOST_STEPS = 8

LONGEST_PAGE = 2000
"""Characters of an address to come back to. API Gateway allows 10 kB for all headers."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a page, or a form that was sent."""

    method: Literal["GET", "POST"]
    path: str
    """Below `/console`, such as `/mentors`; empty for the start page."""
    query: Mapping[str, str]
    form: Mapping[str, str] = field(repr=False)
    cookies: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    """By their names in lower case; of a repeated header the last value."""
    steps: int
    """How many slashes the address has after `/console`, one at its end included. No page has as
    many as `_MOST_STEPS`: the links of a longer address lead nowhere."""

    @classmethod
    def parse(cls, event: Mapping[str, Any]) -> "Request":
        """Read an event of a REST API with a proxy integration."""
        headers, below = _headers(event), str(event["path"]).removeprefix(BASE)
        return cls(
            "POST" if str(event["httpMethod"]).upper() == "POST" else "GET",
            below.rstrip("/"),
            {k: v for k, v in _mapping(event, "queryStringParameters").items() if v},
            _form(event),
            _cookies(headers.get("cookie", "")),
            headers,
            min(below.count("/"), _MOST_STEPS),
        )

    @property
    def root(self) -> str:
        """The relative address of the start page: it works with any prefix and any domain."""
        return "../" * self.steps + "console"

    @property
    def address(self) -> str:
        """Path and query of the page, to come back to it later."""
        return self.path + (f"?{urlencode(self.query)}" if self.query else "")

    @property
    def is_from_this_site(self) -> bool:
        """Whether a page of this site sent the form, by headers that no page can forge (C5).

        Source: OWASP, "Cross-Site Request Forgery Prevention Cheat Sheet", Fetch Metadata.
        """
        site = self.headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        scheme, host = self.headers.get("x-forwarded-proto", ""), self.headers.get("host", "")
        origin = _split(self.headers.get("origin", ""))
        return bool(host) and origin.netloc == host and scheme in ("", origin.scheme)

    @property
    def browser_language(self) -> Language:
        """The language that the browser prefers of those we have; bokmål without a preference."""
        wanted = [_preference(part) for part in self.headers.get("accept-language", "").split(",")]
        known: list[tuple[float, Language]] = [
            (weight, "en" if tag == "en" else "nb")
            for tag, weight in wanted
            if tag in ("nb", "no", "nn", "en") and weight > 0
        ]
        return max(known, key=lambda entry: entry[0])[1] if known else "nb"


def _split(origin: str) -> SplitResult:
    try:
        return urlsplit(origin)
    except ValueError:
        return urlsplit("")


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    several = cast("Mapping[str, list[str]]", event.get("multiValueHeaders") or {})
    single = cast("Mapping[str, str]", event.get("headers") or {})
    merged = {name.lower(): value for name, value in single.items()}
    return merged | {name.lower(): values[-1] for name, values in several.items() if values}


def _mapping(event: Mapping[str, Any], name: str) -> Mapping[str, str]:
    return cast("Mapping[str, str]", event.get(name) or {})


def _form(event: Mapping[str, Any]) -> dict[str, str]:
    body = event.get("body")
    if not isinstance(body, str) or event.get("isBase64Encoded") or len(body) > _LONGEST_BODY:
        return {}
    try:
        return dict(parse_qsl(body, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        return {}


def _cookies(header: str) -> dict[str, str]:
    jar = SimpleCookie()
    for part in header.split(";"):
        try:
            jar.load(part.strip())
        except CookieError:
            continue
    return {name: morsel.value for name, morsel in jar.items()}


def _preference(part: str) -> tuple[str, float]:
    tag, _, weight = part.strip().partition(";q=")
    try:
        return tag.strip().lower().partition("-")[0], float(weight or 1)
    except ValueError:
        return "", 0.0
