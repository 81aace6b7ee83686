"""Portals that are not as they should be, around the real client."""

from collections.abc import Callable, Iterator
from datetime import datetime

from mentor_pause.portal import (
    Certification,
    CertificationPage,
    Finding,
    MentorPage,
    MentorState,
    Portal,
    PortalMentor,
    Pushed,
)


class Around:
    """The real client, in all that is not changed."""

    def __init__(self, real: Portal) -> None:
        """`real` does the work."""
        self.real = real

    def push(self, mentor: MentorState) -> Pushed:
        """As ever."""
        return self.real.push(mentor)

    def is_there(self) -> bool:
        """As ever."""
        return self.real.is_there()

    def certifications(self, since: datetime | None) -> Iterator[CertificationPage]:
        """As ever."""
        return self.real.certifications(since)

    def certification(self, row_id: str) -> Certification | None:
        """As ever."""
        return self.real.certification(row_id)

    def mentors(self) -> Iterator[MentorPage]:
        """As ever."""
        return self.real.mentors()

    def mentor(self, key: str) -> PortalMentor | None:
        """As ever."""
        return self.real.mentor(key)

    def holds(self, mentor: PortalMentor, state: MentorState) -> bool:
        """As ever."""
        return self.real.holds(mentor, state)

    def check(self) -> list[Finding]:
        """As ever."""
        return self.real.check()

    def close(self) -> None:
        """As ever."""
        self.real.close()


class Overtaken(Around):
    """Beside it, at each push, another worker tells something newer, as often as there is some."""

    def __init__(self, real: Portal, meanwhile: list[Callable[[], None]]) -> None:
        """`meanwhile` happens before the pushes arrive, one before each."""
        super().__init__(real)
        self._meanwhile = meanwhile

    def push(self, mentor: MentorState) -> Pushed:
        """Come late."""
        if self._meanwhile:
            self._meanwhile.pop(0)()
        return self.real.push(mentor)


class Meanwhile(Around):
    """Somebody does something in the portal, or here, after each page of certifications."""

    def __init__(self, real: Portal, meanwhile: list[Callable[[], object]]) -> None:
        """`meanwhile` happens once each, behind one page of the listing."""
        super().__init__(real)
        self._meanwhile = meanwhile

    def certifications(self, since: datetime | None) -> Iterator[CertificationPage]:
        """Yield the pages, and let something happen behind each."""
        for page in self.real.certifications(since):
            yield page
            if self._meanwhile:
                self._meanwhile.pop(0)()
