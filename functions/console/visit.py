"""A visit: one request of one person, with what a page needs to answer it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, tzinfo
from time import sleep
from typing import Any, Literal, Protocol, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from aws_lambda_powertools import Logger
from aws_lambda_powertools.shared.cookies import Cookie

from console.answers import Answer
from console.cookies import LANGUAGE
from console.request import Request
from mentor_pause.database.person_client import Json, Supabase
from mentor_pause.engine.run_starter import Dispatcher
from texts.catalogue import LOCALES, Language

_PLACE = re.compile(r"[0-9]{1,18}")

type Role = Literal["admin", "coordinator"]


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in person, as `get_my_access` describes them."""

    token: str = field(repr=False)
    user_id: UUID
    role: Role | None
    mentor_id: str | None
    name: str = field(repr=False)
    language: Language | None
    today: date
    zone: ZoneInfo
    unread: int

    @classmethod
    def parse(cls, token: str, access: dict[str, Any]) -> "Person":
        """Read the answer of `get_my_access`."""
        return cls(
            token, UUID(access["user_id"]), access["role"], access["mentor_id"],
            access["display_name"] or "", access["language"],
            date.fromisoformat(access["today"]), ZoneInfo(access["time_zone"]), access["unread"],
        )  # fmt: skip


class Renderer(Protocol):
    """Renders templates in one language."""

    def render(self, template: str, values: Mapping[str, object], zone: tzinfo | None) -> str:
        """Return a page; moments are in a time zone, and without one there are none."""
        ...


@dataclass(frozen=True, slots=True)
class Site:
    """What all visits share."""

    org_id: UUID
    supabase: Supabase
    renderer: Callable[[Language], Renderer]
    dispatcher: Dispatcher
    list_errored: Callable[[UUID], Sequence[UUID] | None]
    """Returns the errored mentors of a run from the ledger; None: the ledger has it no more."""
    logger: Logger
    sleep: Callable[[float], None] = sleep


@dataclass(frozen=True, slots=True)
class Visit:
    """One request, and the person who sent it."""

    site: Site
    request: Request
    person: Person | None = None
    parameters: tuple[str, ...] = ()
    """The variable parts of the path: numbers of mentors and runs."""

    @property
    def me(self) -> Person:
        """The signed-in person; the route of the page has made sure that there is one."""
        return cast("Person", self.person)

    @property
    def language(self) -> Language:
        """The language that the person chose here, else their setting, else the browser's."""
        chosen = self.request.cookies.get(LANGUAGE)
        for language in LOCALES:
            if language == chosen:
                return language
        return (self.person and self.person.language) or self.request.browser_language

    def call(self, function: str, **arguments: object) -> Json:
        """Call a database function of the organisation as the person."""
        return self.call_own(function, p_org_id=str(self.site.org_id), **arguments)

    def call_own(self, function: str, **arguments: object) -> Json:
        """Call a database function that needs no organisation, as the person."""
        return self.site.supabase.call(self.me.token, function, arguments)

    def page(self, template: str, status: int = 200, **values: object) -> Answer:
        """Return a page."""
        renderer = self.site.renderer(self.language)
        common = {"visit": self, "person": self.person, "root": self.request.root}
        zone = self.person.zone if self.person else None
        return Answer(status, renderer.render(template, common | values, zone))

    def redirect(self, path: str, *cookies: Cookie) -> Answer:
        """Return a redirect to a page of the console; `path` is below `/console`."""
        return Answer(303, headers=(("Location", self.request.root + path),), cookies=cookies)

    def query_id(self, name: str) -> str | None:
        """Return an id from the address; None: it is missing, or not an id."""
        try:
            return str(UUID(self.request.query.get(name, "")))
        except ValueError:
            return None

    def query_place(self, name: str) -> int | None:
        """Return a place in a list from the address; None: it is missing, or not a number."""
        text = self.request.query.get(name, "")
        return int(text) if _PLACE.fullmatch(text) else None

    def field(self, name: str, longest: int = 500) -> str:
        """Return a field of the form without space around it; empty: it is missing."""
        return self.request.form.get(name, "").strip()[:longest]
