"""Wraps the real client, and lets something happen at chosen moments."""

from collections.abc import Callable, Iterator
from datetime import datetime

from mentor_pause.portal import (
    Certification,
    CertificationPage,
    Finding,
    MentorState,
    Portal,
    PortalMentor,
    PortalMentorPage,
    Pushed,
)


class Wrapper:
    """Passes every call on to the real client."""

    def __init__(self, real: Portal) -> None:
        """Wrap `real`."""
        self.real = real

    def push(self, mentor: MentorState) -> Pushed:
        """Pass on."""
        return self.real.push(mentor)

    def ping(self) -> bool:
        """Pass on."""
        return self.real.ping()

    def certifications(self, since: datetime | None) -> Iterator[CertificationPage]:
        """Pass on."""
        return self.real.certifications(since)

    def certification(self, row_id: str) -> Certification | None:
        """Pass on."""
        return self.real.certification(row_id)

    def mentors(self) -> Iterator[PortalMentorPage]:
        """Pass on."""
        return self.real.mentors()

    def mentor(self, key: str) -> PortalMentor | None:
        """Pass on."""
        return self.real.mentor(key)

    def matches(self, mentor: PortalMentor, state: MentorState) -> bool:
        """Pass on."""
        return self.real.matches(mentor, state)

    def check(self) -> list[Finding]:
        """Pass on."""
        return self.real.check()

    def close(self) -> None:
        """Pass on."""
        self.real.close()


class Overtaken(Wrapper):
    """Before a push arrives, another worker pushes something newer."""

    def __init__(self, real: Portal, meanwhile: list[Callable[[], None]]) -> None:
        """Before each push, call one of `meanwhile`, as long as there are any."""
        super().__init__(real)
        self._meanwhile = meanwhile

    def push(self, mentor: MentorState) -> Pushed:
        """Arrive after the other worker."""
        if self._meanwhile:
            self._meanwhile.pop(0)()
        return self.real.push(mentor)


class Meanwhile(Wrapper):
    """After each page of certifications, something happens in the portal or here."""

    def __init__(self, real: Portal, meanwhile: list[Callable[[], object]]) -> None:
        """After each page, call one of `meanwhile`, as long as there are any."""
        super().__init__(real)
        self._meanwhile = meanwhile

    def certifications(self, since: datetime | None) -> Iterator[CertificationPage]:
        """Yield the pages, and let something happen after each."""
        for page in self.real.certifications(since):
            yield page
            if self._meanwhile:
                self._meanwhile.pop(0)()
