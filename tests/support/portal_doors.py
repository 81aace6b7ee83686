"""Portals that are not as they should be, around the real client."""

from collections.abc import Callable, Iterator
from datetime import datetime

from mentor_pause.errors import PortalUnavailable
from mentor_pause.portal import (
    Finding,
    MentorPage,
    MentorState,
    Portal,
    PortalMentor,
    Pushed,
    RenewalPage,
)
from mentor_pause.retry import Remaining


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

    def renewals(self, since: datetime | None) -> Iterator[RenewalPage]:
        """As ever."""
        return self.real.renewals(since)

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


class SlowRenewals(Around):
    """Takes all the time that there is for renewals, and has none of them."""

    def __init__(self, real: Portal, remaining: Remaining, sleep: Callable[[float], None]) -> None:
        """`remaining` is what the client was given."""
        super().__init__(real)
        self._remaining = remaining
        self._sleep = sleep

    def renewals(self, since: datetime | None) -> Iterator[RenewalPage]:
        """Wait in vain."""
        while self._remaining() > 0:
            self._sleep(1)
        raise PortalUnavailable("no time is left")
        yield  # what makes it an iterator
