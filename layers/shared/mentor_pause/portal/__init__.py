"""HLF's portal, seen through one small interface (H2).

The portal knows a mentor by a key. The mapping knows the names of the portal's tables, columns and
choices (`mapping.py`). The client knows how to reach the portal (`dataverse.py`). While the switch
is off, `NoPortal` takes the place of the client.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol

from mentor_pause.domain.mentors import Certification, Status
from mentor_pause.errors import PortalUnavailable
from mentor_pause.portal.rows import UnreadableRow

type Pushed = Literal["updated", "unknown", "off"]
"""The portal took the state; it knows no such mentor; it is switched off and had no request."""


@dataclass(frozen=True, slots=True)
class MentorState:
    """The state of a mentor that the sync writes to the portal."""

    key: str
    status: Status
    reason: str
    """The code of the last change, such as `certification_expired`."""
    effective_on: date
    """The day of the last change in the organisation's time zone."""


@dataclass(frozen=True, slots=True)
class PortalMentor:
    """What the portal holds about a mentor; None where we do not understand its value."""

    key: str
    status: Status | None
    columns: Mapping[str, object]
    """The row's values by the portal's own column names."""
    modified_on: datetime | None
    is_deactivated: bool = False
    """HLF has deactivated the row, so the portal shows nobody, whatever its columns say."""

    @property
    def is_shown(self) -> bool:
        """Whether the portal may show the mentor of this row."""
        return not self.is_deactivated and self.status != "inactive"


@dataclass(frozen=True, slots=True)
class CertificationPage:
    """A page of the portal's certifications, the oldest change first."""

    certifications: tuple[Certification, ...]
    blank: int
    """Active rows without a mentor or without a day."""
    unreadable: tuple[UnreadableRow, ...]


@dataclass(frozen=True, slots=True)
class PortalMentorPage:
    """A page of mentors."""

    mentors: tuple[PortalMentor, ...]
    unreadable: tuple[UnreadableRow, ...]
    """Rows whose key cannot be read, so that their mentor is unknown."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check of the preflight."""

    what: str
    problem: str | None
    """None: the check found nothing wrong."""


class Portal(Protocol):
    """The portal. Every method may raise `PortalUnavailable` and `PortalError`."""

    def push(self, mentor: MentorState) -> Pushed:
        """Make the portal hold this; repeating it changes nothing. Never creates a mentor."""
        ...

    def ping(self) -> bool:
        """Whether the portal answers at all, even with an error.

        Raises:
            PortalThrottled: it asks the client to wait.
        """
        ...

    def certifications(self, since: datetime | None) -> Iterator[CertificationPage]:
        """Yield the certifications that are valid in the portal, a page at a time.

        `since`, an aware moment: only those whose row changed at or after it; None: all.
        """
        ...

    def certification(self, row_id: str) -> Certification | None:
        """Return a certification by the id of its row; None: it is deleted or no longer valid."""
        ...

    def mentors(self) -> Iterator[PortalMentorPage]:
        """Yield every mentor that the portal holds, a page at a time.

        A row that changes while the pages are read may be missing, or appear twice.
        """
        ...

    def mentor(self, key: str) -> PortalMentor | None:
        """Return what the portal holds about one mentor now; None: it knows no such key."""
        ...

    def matches(self, mentor: PortalMentor, state: MentorState) -> bool:
        """Whether `push` of this state would change nothing. Compares only; sends no request."""
        ...

    def check(self) -> list[Finding]:
        """Check, without changing anything, whether the portal is as the mapping says."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class NoPortal:
    """Takes the place of the portal while the switch is off; it sends no request."""

    def push(self, mentor: MentorState) -> Pushed:  # noqa: ARG002
        """Return that the portal is switched off."""
        return "off"

    def ping(self) -> bool:
        """Return that no portal answers."""
        return False

    def certifications(self, since: datetime | None) -> Iterator[CertificationPage]:  # noqa: ARG002
        """Refuse: a caller that took this for an empty portal would remove everything here.

        Raises:
            PortalUnavailable: always.
        """
        raise PortalUnavailable("the portal is switched off")

    def certification(self, row_id: str) -> None:  # noqa: ARG002
        """Refuse, as `certifications` does."""
        raise PortalUnavailable("the portal is switched off")

    def mentors(self) -> Iterator[PortalMentorPage]:
        """Return no mentors."""
        return iter(())

    def mentor(self, key: str) -> None:
        """Return no mentor."""

    def matches(self, mentor: PortalMentor, state: MentorState) -> bool:  # noqa: ARG002
        """Return that nothing matches."""
        return False

    def check(self) -> list[Finding]:
        """Return one finding: the portal is switched off."""
        return [Finding("switch", "the portal is switched off")]

    def close(self) -> None:
        """Nothing is open."""
