"""The monitor counts who is held, and the night's unforeseen pauses (G2, G3)."""

import pytest

from support.brake import Brake
from support.monitor import Monitor
from support.night import run_id
from support.roster import TODAY, Roster


@pytest.fixture
def brake(roster: Roster) -> Brake:
    """The organisation's brake."""
    return Brake(roster)


def test_the_monitor_says_how_many_of_the_stale_are_held(
    monitor: Monitor, roster: Roster, brake: Brake
) -> None:
    """G3: held mentors stay in the count of the stale, because they are shown as available."""
    brake.set("hold")
    brake.warn(roster.add_mentors(3))
    roster.add_mentors(11)
    monitor.night.fire()
    monitor.night.work_off()
    answer, metrics = monitor(), monitor.emitted()
    assert (answer["stale_active_mentors"], answer["held_mentors"]) == (11, 11)
    assert metrics["StaleActiveMentors"] == metrics["MentorsHeld"] == [11]
    assert metrics["UnforeseenPauses"] == [0]
    (line,) = monitor.night.lines("night checked")
    assert (line["held_mentors"], line["brake"]["held_by"]) == (11, str(run_id()))
    assert line["night_missed"] is False


def test_the_monitor_counts_unforeseen_pauses_until_the_next_night(
    monitor: Monitor, roster: Roster, brake: Brake
) -> None:
    """G2: in mode watch, above the limits; nobody is stale."""
    brake.warn(roster.add_mentors(3))
    roster.add_mentors(11)
    monitor.night.fire()
    monitor.night.work_off()
    answer, metrics = monitor(), monitor.emitted()
    assert (answer["stale_active_mentors"], answer["unforeseen_pauses"]) == (0, 11)
    assert (metrics["UnforeseenPauses"], metrics["MentorsHeld"]) == ([11], [0])
    monitor.night.clock.advance(24 * 3600)
    monitor()
    assert monitor.emitted()["UnforeseenPauses"] == [0]


def test_a_night_with_errors_is_not_missed_if_only_held_mentors_are_stale(
    monitor: Monitor, roster: Roster, brake: Brake
) -> None:
    """O1, G3: MentorsHeldAlarm is about them; a mentor who is stale by an error still counts."""
    brake.set("hold")
    (warned,) = brake.warn(roster.add_mentors(1))
    roster.add_mentors(11)
    monitor.night.fire()
    for message in monitor.night.receive():
        assert monitor.night.deliver(message, dead=True)
    assert monitor()["night_missed"] is True
    roster.certify(warned, TODAY.replace(year=2027))
    assert monitor()["night_missed"] is False
