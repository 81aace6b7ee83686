"""How the stand-in for a Supabase project misbehaves: a fault affects one request."""

import json
import threading
from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict, get_args

from local.auth_errors import AuthError

type Kind = Literal["none", "error", "throttled", "unavailable", "no JSON", "down", "silent"]
"""`down` closes the connection without an answer; `silent` keeps it open without one."""
type Effect = Literal["down", "silent"] | tuple[int, str, dict[str, str]] | None


class Fault(TypedDict):
    """One request to come whose address begins with `path` gets the fault."""

    kind: Kind
    path: NotRequired[str]


@dataclass(slots=True)
class Faults:
    """The faults of the next requests, in their order, and the requests so far."""

    requests: list[str] = field(default_factory=list[str])
    _next: list[Fault] = field(default_factory=list[Fault])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def replace(self, faults: Any) -> None:
        """Wait with these faults, instead of those before.

        Raises:
            ValueError: there is no such fault.
        """
        kinds = get_args(Kind.__value__)
        shapes = [isinstance(each, dict) and each.get("kind") in kinds for each in faults]
        if not all(shapes):
            raise ValueError(f"each fault has a kind: {', '.join(kinds)}")
        with self._lock:
            self._next[:] = faults

    def next_for(self, path: str) -> Effect:
        """Note a request; return what its fault does, or None."""
        with self._lock:
            self.requests.append(path)
            found = next((f for f in self._next if path.startswith(f.get("path", "/"))), None)
            if found is None:
                return None
            self._next.remove(found)
        return _effect(found["kind"], path)


def _effect(kind: Kind, path: str) -> Effect:
    match kind:
        case "none":
            return None
        case "down" | "silent":
            return kind
        case "no JSON":
            return 200, "<html>sign in</html>", {}
        case "unavailable":
            return 503, "<html>no healthy upstream</html>", {}
        case "error" | "throttled":
            return _refusal(kind, path)


def _refusal(kind: Literal["error", "throttled"], path: str) -> Effect:
    if path.startswith("/auth/"):
        error = AuthError("fault" if kind == "error" else "too many requests")
        return error.line.status, json.dumps(error.body()), error.headers()
    if kind == "throttled":
        return 429, json.dumps({"message": "API rate limit exceeded"}), {}
    body = {"code": "XX000", "message": "internal error", "details": None, "hint": None}
    return 500, json.dumps(body), {}
