"""A difference counts only when a second look confirms it (H5)."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime

import pytest

from mentor_pause.portal import Portal, PortalMentor, PortalMentorPage
from portal_drift.measure import Drift, MeasureDrift
from support.drift import NOW, measure, measuring, row_of
from support.portal import MENTORS
from support.portal_wrappers import Wrapper
from support.roster import ORG, Roster
from support.sync import PortalRows, SyncNight, pause


class Moving(Wrapper):
    """Changes rows between the pages of a listing, as a sync or HLF's people do."""

    def __init__(self, real: Portal, meanwhile: Callable[[], object]) -> None:
        """Call `meanwhile` after the first page of the first listing."""
        super().__init__(real)
        self._meanwhile = [meanwhile]

    def mentors(self) -> Iterator[PortalMentorPage]:
        """Yield the pages."""
        for page in self.real.mentors():
            yield page
            while self._meanwhile:
                self._meanwhile.pop()()


def measure_while(night: SyncNight, meanwhile: Callable[[], object]) -> Drift:
    """Compare, and call `meanwhile` while the portal is listed."""

    def open_portal(remaining: Callable[[], float]) -> Portal:
        return Moving(night.open_portal(remaining), meanwhile)

    return MeasureDrift(ORG, night.drift_database, open_portal, lambda: NOW)(lambda: 60)


def touch(portal: PortalRows, key: object) -> None:
    """Change a row's moment, so that it moves to the end of a listing."""
    row_of(portal, key)["modifiedon"] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize("mentors", [6, 240])
def test_a_mentor_whom_a_moving_listing_misses_is_asked_for_by_key(
    night: SyncNight, roster: Roster, portal: PortalRows, mentors: int
) -> None:
    """H5: rows of the first page move to the end, so the listing misses the rows after them."""
    found = roster.add_mentors(mentors)
    portal.add(*found)
    night.sync()
    order = sorted(found, key=lambda m: row_of(portal, m)["hlf_likepersonid"])
    for row in portal.portal.table(MENTORS).rows.values():
        row["modifiedon"] = "2026-11-02T08:00:00Z"
    night.portal.page_size = mentors // 2

    def move() -> None:
        for mentor in order[: mentors // 3]:
            touch(portal, mentor)

    with closing(Moving(night.open_portal(lambda: 60), move)) as moving:
        listed = list(moving.mentors())
    assert len({m.key for page in listed for m in page.mentors}) < mentors  # the listing has a gap
    order = order[mentors // 3 :]
    drift = measure_while(night, move)
    assert (drift.compared, drift.differences) == (mentors, ())


def test_for_many_missing_mentors_the_portal_is_listed_again(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: at most a hundred single requests, and no existing mentor counts as missing."""
    found = roster.add_mentors(300)
    portal.add(*found[:-150])

    def enter_the_others() -> None:
        portal.add(*found[-150:])

    night.sync()
    night.forget()
    night.portal.page_size = 100
    drift = measure_while(night, enter_the_others)
    kinds = {d.kind for d in drift.differences}
    assert (len(drift.differences), kinds) == (150, {"differs"})  # entered, and not synced yet
    assert len([path for path in night.asked("GET") if "(" in path]) <= 100


def test_a_row_that_was_listed_before_its_sync_is_not_a_difference(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: both sides have changed since, and agree now."""
    mentors = roster.add_mentors(4)
    portal.add(*mentors)
    night.sync()

    def pause_and_tell() -> None:
        pause(roster, *mentors)
        night.sync("night-2")

    night.portal.page_size = 2
    assert measure_while(night, pause_and_tell).differences == ()


def test_a_mentor_who_changes_between_looks_is_left_to_the_next_measurement(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: a difference counts only if the database said the same before and after the look."""
    mentor = roster.add_mentor(date(2100, 1, 1))
    portal.add(mentor)
    night.sync()

    class Restless(Wrapper):
        def mentor(self, key: str) -> PortalMentor | None:
            found = self.real.mentor(key)
            for status in ("active", "paused"):
                roster.db.execute(
                    "select * from update_mentor_status(%s, %s, %s, 'again')", (mentor, ORG, status)
                )
            return found

    pause(roster, mentor)
    drift = MeasureDrift(
        ORG, night.drift_database, lambda left: Restless(night.open_portal(left)), lambda: NOW
    )
    assert drift(lambda: 60).differences == ()
    assert measure(night).differences != ()


def test_a_mentor_who_is_entered_here_during_the_listing_is_not_unknown(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: the comparison reads our mentors from the database once more."""
    roster.add_mentor(status="inactive")
    portal.add("HLF-7", "HLF-8")

    def enter() -> None:
        mentor = roster.add_mentor()
        roster.db.execute("update peer_mentors set portal_key = 'hlf-7' where id = %s", (mentor,))

    assert [d.key for d in measure_while(night, enter).differences] == ["HLF-8"]


def test_an_unknown_mentor_who_is_gone_at_the_second_look_is_not_a_difference(
    night: SyncNight, portal: PortalRows
) -> None:
    """H5: HLF deletes a row, and sets another one to inactive, during the listing."""
    portal.add("HLF-7", "HLF-8", "HLF-9")
    rows = night.portal.table(MENTORS).rows

    def tidy() -> None:
        gone = row_of(portal, "HLF-7")
        del rows[gone["hlf_likepersonid"]]
        row_of(portal, "HLF-8")["hlf_status"] = 100000002

    assert [d.key for d in measure_while(night, tidy).differences] == ["HLF-9"]


def test_with_little_time_left_the_listing_counts(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: short time must not make a mentor count as missing."""
    mentor = roster.add_mentor()
    portal.add(mentor)
    night.forget()
    (found,) = measuring(night)(lambda: 35).differences
    assert (found.kind, found.there) == ("differs", "active")
    assert [path for path in night.asked("GET") if "(" in path] == []
