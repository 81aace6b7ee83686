"""A stand-in for HLF's portal that an operator sets up for a deployed stack."""

import json
import secrets
import shlex
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local import portal_server
from local.portal import CLIENT_ID, TENANT
from local.portal_example import example_mapping, mirror_roster
from local.processes import LOOPBACK, free_port, wait_until

_MENTORS = example_mapping().mentors


@dataclass(slots=True)
class OperatorPortal:
    """The stand-in, by its port and the secret that it takes."""

    port: int
    client_secret: str

    def mirror(self, owner_url: str) -> None:
        """Let the portal hold what the database holds."""
        portal_server.replace_rows(self.port, mirror_roster(owner_url))

    def set_up(self) -> str:
        """Return the commands by which an operator sets it up (docs/portal.md)."""
        url = f"http://{LOOPBACK}:{self.port}"
        values = {
            "PORTAL_URL": url, "PORTAL_LOGIN_URL": url, "PORTAL_TENANT": TENANT,
            "PORTAL_CLIENT_ID": CLIENT_ID, "PORTAL_CLIENT_SECRET": self.client_secret,
        }  # fmt: skip
        given = shlex.quote(json.dumps(values))
        return (
            f"""PORTAL={given} change portal 's.update(json.loads(os.environ["PORTAL"]))'\n"""
            'mentor-pause portal map docs/portal-mapping.json --stack "$STACK"\n'
            '(eval "$(secret portal)" && mentor-pause portal on --stack "$STACK")\n'
        )

    def edit_a_mentor(self) -> str:
        """Change a mentor's status by a hand in the portal; return the mentor's key."""
        rows = portal_server.read_rows(self.port)
        active = _MENTORS.status_values["active"]
        edited = next(r for r in rows[_MENTORS.entity_set] if r[_MENTORS.status] != active)
        edited[_MENTORS.status] = active
        portal_server.replace_rows(self.port, rows)
        return str(edited[_MENTORS.key])

    def is_shown_as_active(self, key: str) -> bool:
        """Whether the portal shows the mentor as active."""
        rows = portal_server.read_rows(self.port)[_MENTORS.entity_set]
        (found,) = (row for row in rows if row[_MENTORS.key] == key)
        return found[_MENTORS.status] == _MENTORS.status_values["active"]


@contextmanager
def open_operator_portal(folder: Path) -> Generator[OperatorPortal]:
    """Start the stand-in; it ends with the walk."""
    found = OperatorPortal(free_port(), secrets.token_urlsafe(24))
    process = portal_server.start_portal(folder, found.port, found.client_secret)
    try:
        wait_until(lambda: portal_server.is_answering(found.port), 30, "no answer from the portal")
        yield found
    finally:
        process.stop()
