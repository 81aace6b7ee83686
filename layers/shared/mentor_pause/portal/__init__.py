"""HLF's portal, seen through one small interface (H2).

A mentor is known to the portal by a key. What the portal calls its tables, columns and choices is
the mapping's business (`mapping.py`); how it is reached is the client's (`dataverse.py`). The
no-op client takes the real one's place while the flag is off.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol

from mentor_pause.domain.mentors import Certification, Status
from mentor_pause.errors import PortalUnavailable
from mentor_pause.portal.rows import UnreadableRow

type Pushed = Literal["updated", "unknown", "off"]
"""The portal has it; it knows no such mentor; nobody was asked, the portal is switched off."""


@dataclass(frozen=True, slots=True)
class MentorState:
    """What the portal is told about a mentor."""

    key: str
    status: Status
    reason: str
    """The code of the last change, such as `certification_expired`."""
    effective_on: date
    """The day of the last change in the organisation's time zone."""


@dataclass(frozen=True, slots=True)
class PortalMentor:
    """What the portal holds about a mentor; None where it holds nothing that we understand."""

    key: str
    status: Status | None
    columns: Mapping[str, object]
    """What it holds, by the portal's own names."""
    modified_on: datetime | None
    is_deactivated: bool = False
    """HLF has deactivated the row: whatever its columns say, nobody is shown by it."""

    @property
    def is_shown(self) -> bool:
        """Whether the portal may show somebody by this row."""
        return not self.is_deactivated and self.status != "inactive"


@dataclass(frozen=True, slots=True)
class CertificationPage:
    """A page of the portal's certifications, the oldest change first."""

    certifications: tuple[Certification, ...]
    blank: int
    """Active rows without a mentor or without a day."""
    unreadable: tuple[UnreadableRow, ...]


@dataclass(frozen=True, slots=True)
class MentorPage:
    """A page of mentors."""

    mentors: tuple[PortalMentor, ...]
    unreadable: tuple[UnreadableRow, ...]
    """Rows whose key cannot be read; without it they are nobody's."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a preflight looked at."""

    what: str
    problem: str | None
    """None: it is in order."""


class Portal(Protocol):
    """The portal. Every method may raise `PortalUnavailable` and `PortalError`."""

    def push(self, mentor: MentorState) -> Pushed:
        """Make the portal hold this; repeating it changes nothing. Never creates a mentor."""
        ...

    def is_there(self) -> bool:
        """Whether the portal answers at all, whatever it says of a mentor.

        Raises:
            PortalThrottled: it asks for patience.
        """
        ...

    def certifications(self, since: datetime | None) -> Iterator[CertificationPage]:
        """Yield the certifications that are valid in the portal, a page at a time.

        `since`: those alone whose row changed at or after this moment, which is aware; None: all.
        """
        ...

    def certification(self, row_id: str) -> Certification | None:
        """Return a certification by the id of its row; None: it is gone, or not valid any more."""
        ...

    def mentors(self) -> Iterator[MentorPage]:
        """Yield every mentor that the portal holds, a page at a time.

        What changes while the pages are read may be missing, or there twice.
        """
        ...

    def mentor(self, key: str) -> PortalMentor | None:
        """Return what the portal holds about one mentor now; None: it has none with this key."""
        ...

    def holds(self, mentor: PortalMentor, state: MentorState) -> bool:
        """Whether what the portal holds is what `push` of this would leave there. Asks nobody."""
        ...

    def check(self) -> list[Finding]:
        """Look, without changing anything, whether the portal is as the mapping says."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class NoPortal:
    """Stands for the portal while the flag is off: says so, and reaches nobody."""

    def push(self, mentor: MentorState) -> Pushed:  # noqa: ARG002
        """Tell that nobody was asked."""
        return "off"

    def is_there(self) -> bool:
        """Tell that nobody is."""
        return False

    def certifications(self, since: datetime | None) -> Iterator[CertificationPage]:  # noqa: ARG002
        """Refuse: who took this for an empty portal would remove everything here.

        Raises:
            PortalUnavailable: always.
        """
        raise PortalUnavailable("the portal is switched off")

    def certification(self, row_id: str) -> None:  # noqa: ARG002
        """Refuse, as `certifications` does."""
        raise PortalUnavailable("the portal is switched off")

    def mentors(self) -> Iterator[MentorPage]:
        """Yield nothing."""
        return iter(())

    def mentor(self, key: str) -> None:
        """Know nobody."""

    def holds(self, mentor: PortalMentor, state: MentorState) -> bool:  # noqa: ARG002
        """Tell that nothing is in line."""
        return False

    def check(self) -> list[Finding]:
        """Tell that the portal is switched off."""
        return [Finding("switch", "the portal is switched off")]

    def close(self) -> None:
        """Nothing is open."""
