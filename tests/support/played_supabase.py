"""A Supabase project that a test plays: what each function answers, and what it was asked."""

from collections.abc import Mapping
from typing import Any

import httpx

USER = "5a0e6b0a-1111-4222-8333-444455556666"
MENTOR = "5a0e6b0a-7777-4888-8999-aaaabbbbcccc"
TOKEN = "head.body.signature"
ACCESS: Mapping[str, Any] = {
    "user_id": USER, "role": "admin", "mentor_id": None, "display_name": "Kari", "language": "nb",
    "today": "2026-03-01", "time_zone": "Europe/Oslo", "unread": 0,
}  # fmt: skip


class Played:
    """A Supabase project that answers by name of the function, and notes what it was asked."""

    def __init__(self) -> None:
        """Every function but `get_my_access` answers with null."""
        self.answers: dict[str, httpx.Response | Exception] = {
            "get_my_access": httpx.Response(200, json=dict(ACCESS))
        }
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        name = request.url.path.rpartition("/")[2]
        self.asked.append(name)
        answer = self.answers.get(name, httpx.Response(200, json=None))
        if isinstance(answer, Exception):
            raise answer
        return answer
