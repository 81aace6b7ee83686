"""The table of pages: address, who may open it, and the function that answers (C5)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from console.answers import Answer
from console.pages import (
    checks,
    held,
    me,
    mentors,
    messages,
    one_check,
    one_mentor,
    sign_in,
    tonight,
    undelivered,
    website,
    withdrawal,
)
from console.visit import Person, Visit

_NUMBER = r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"


class Access(StrEnum):
    """Who may open a page. Row-level security decides what they see on it."""

    ANYONE = "anyone"
    PERSON = "signed in"
    MENTOR = "mentor"
    MEMBER = "coordinator or administrator"
    ADMIN = "administrator"

    def allows(self, person: Person | None) -> bool:
        """Whether the page is for this person; None: nobody has signed in."""
        match self:
            case Access.ANYONE:
                return True
            case Access.PERSON:
                return person is not None
            case Access.MENTOR:
                return person is not None and person.mentor_id is not None
            case Access.MEMBER:
                return person is not None and person.role is not None
            case Access.ADMIN:
                return person is not None and person.role == "admin"


@dataclass(frozen=True, slots=True)
class Route:
    """One page or one form."""

    method: Literal["GET", "POST"]
    path: str
    """Below `/console`; `{}` stands for a mentor's or a run's number."""
    access: Access
    answer: Callable[[Visit], Answer]

    def match(self, path: str) -> tuple[str, ...] | None:
        """Return the numbers in a path; None: the path is another one."""
        found = re.fullmatch(self.path.replace("{}", _NUMBER), path)
        return found.groups() if found else None


ROUTES = (
    Route("GET", "", Access.PERSON, tonight.show),
    Route("GET", "/sign-in", Access.ANYONE, sign_in.show),
    Route("POST", "/sign-in", Access.ANYONE, sign_in.send_code),
    Route("GET", "/sign-in/code", Access.ANYONE, sign_in.show_code),
    Route("POST", "/sign-in/code", Access.ANYONE, sign_in.verify),
    Route("POST", "/sign-out", Access.ANYONE, sign_in.sign_out),
    Route("POST", "/language", Access.ANYONE, sign_in.choose_language),
    Route("GET", "/me", Access.MENTOR, me.show),
    Route("GET", "/mentors", Access.MEMBER, mentors.show),
    Route("POST", "/mentors/search", Access.MEMBER, mentors.search),
    Route("GET", "/mentors/{}", Access.PERSON, one_mentor.show),
    Route("POST", "/mentors/{}/pause", Access.PERSON, one_mentor.pause),
    Route("POST", "/mentors/{}/resume", Access.PERSON, one_mentor.resume),
    Route("GET", "/messages", Access.PERSON, messages.show),
    Route("POST", "/messages/read", Access.PERSON, messages.mark_read),
    Route("GET", "/checks", Access.MEMBER, checks.show),
    Route("POST", "/checks/start", Access.MEMBER, checks.start_check),
    Route("GET", "/checks/preview", Access.MEMBER, checks.preview),
    Route("GET", "/checks/{}", Access.MEMBER, one_check.show),
    Route("POST", "/checks/{}/redrive", Access.ADMIN, one_check.redrive),
    Route("GET", "/checks/{}/withdraw", Access.ADMIN, withdrawal.preview),
    Route("POST", "/checks/{}/withdraw", Access.ADMIN, withdrawal.withdraw),
    Route("GET", "/held", Access.ADMIN, held.show),
    Route("POST", "/held/{}/approve", Access.ADMIN, held.approve),
    Route("GET", "/website", Access.ADMIN, website.show),
    Route("POST", "/website/send", Access.ADMIN, website.send),
    Route("GET", "/undelivered", Access.ADMIN, undelivered.show),
)
"""Every page and every form. The style sheet is not among them: it holds nothing of anybody."""


def find_route(method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
    """Return the route of a request, with the numbers in its path; None: there is none."""
    for route in ROUTES:
        numbers = route.match(path) if route.method == method else None
        if numbers is not None:
            return route, numbers
    return None
