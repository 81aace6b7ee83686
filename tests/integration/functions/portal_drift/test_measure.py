"""The drift: how far portal and database differ, measured in both directions (H5)."""

from datetime import UTC, date, datetime, timedelta

import pytest

from mentor_pause.errors import PortalUnavailable
from portal_drift.measure import MeasureDrift
from support.drift import NOW, measure, row_of
from support.portal import MENTORS
from support.roster import ORG, Roster
from support.sync import PortalRows, SyncNight, pause


def test_after_a_sync_no_mentor_differs_and_the_comparison_writes_nothing(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: the comparison only reads."""
    portal.add(*roster.add_mentors(4))
    assert len(measure(night).differences) == 4
    night.sync()
    night.forget()
    drift = measure(night)
    assert (drift.compared, drift.differences, drift.oldest_seconds) == (4, (), 0)
    assert night.asked("PATCH") == []


def test_a_mentor_who_was_not_sent_yet_differs_since_the_change(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: the oldest first, with its age in seconds."""
    first, second = (roster.add_mentor(date(2100, 1, 1)) for _ in range(2))
    portal.add(first, second)
    night.sync()
    for mentor in (second, first):
        pause(roster, mentor)
    changed = [row["changed_at"] for row in roster.history()]
    drift = measure(night)
    assert [d.mentor_id for d in drift.differences] == [second, first]
    assert [d.since for d in drift.differences] == changed
    assert {(d.kind, d.here, d.there) for d in drift.differences} == {
        ("differs", "paused", "active")
    }
    assert drift.oldest_seconds == int((NOW - changed[0]).total_seconds())


@pytest.mark.parametrize(
    ("column", "value"),
    [("hlf_status", 100000001), ("hlf_status", 5), ("hlf_statusreason", 100000020),
     ("hlf_statusfrom", "2020-01-01"), ("statecode", 1), ("statuscode", 2), ("statuscode", None)],
)  # fmt: skip
def test_an_edit_of_any_column_that_the_sync_writes_is_found(
    night: SyncNight, roster: Roster, portal: PortalRows, column: str, value: object
) -> None:
    """H5: the real row is compared; the difference counts from the last sync."""
    mentor = roster.add_mentor()
    portal.add(mentor)
    night.sync()
    row_of(portal, mentor).update({column: value, "modifiedon": "2099-12-31T23:00:00Z"})
    drift = measure(night)
    (found,) = drift.differences
    assert (found.kind, found.mentor_id, found.here) == ("differs", mentor, "active")
    (mark,) = roster.rows("select synced_at from portal_sync_state")
    assert found.since == mark["synced_at"]


def test_a_mentor_on_one_side_only_counts_as_inactive_on_the_other(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: in both directions; so an inactive mentor who is missing there does not differ."""
    missing = roster.add_mentor()
    roster.add_mentor(status="inactive")
    portal.add("shown", "ended")
    row_of(portal, "ended")["hlf_status"] = 100000002
    row_of(portal, "shown")["modifiedon"] = "2026-05-01T00:00:00Z"
    drift = measure(night)
    assert [(d.kind, d.mentor_id, d.key, d.here, d.there) for d in drift.differences] == [
        ("only_there", None, "shown", None, "active"),
        ("only_here", missing, str(missing), "active", None),
    ]
    assert drift.differences[0].since == datetime(2026, 5, 1, tzinfo=UTC)
    assert drift.compared == 4


def test_keys_are_compared_as_dataverse_compares_them(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """Dataverse ignores case."""
    mentor = roster.add_mentor(status="paused")
    roster.db.execute("update peer_mentors set portal_key = 'HLF-ÅSE'")
    portal.add("hlf-åse")
    (found,) = measure(night).differences
    assert (found.kind, found.mentor_id) == ("differs", mentor)


def test_a_mentor_who_is_synced_during_the_comparison_does_not_differ(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """A change that was in progress is not a difference."""
    mentor = roster.add_mentor(date(2100, 1, 1))
    portal.add(mentor)
    night.sync()
    drift = MeasureDrift(ORG, night.drift_database, night.open_portal, lambda: NOW)
    real, night_sync = night.portal_database.list_all_states, night.sync

    class Changing:
        """A database in which a mentor is paused and synced right after it was read."""

        list_states = night.portal_database.list_states
        list_certifications = night.portal_database.list_certifications

        def list_all_states(self, org_id: object) -> list[object]:
            """Read the states, then change one."""
            assert org_id == ORG
            found: list[object] = list(real(ORG))
            pause(roster, mentor)
            night_sync("night-2")
            return found

    drift = MeasureDrift(ORG, Changing(), night.open_portal, lambda: NOW)  # type: ignore[arg-type]
    assert drift(lambda: 60).differences == ()


def test_a_roster_of_several_pages_is_compared_completely(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """Both sides have several pages."""
    mentors = roster.add_mentors(1203)
    portal.add(*mentors[:-1])
    night.portal.page_size = 500
    drift = measure(night)
    assert (drift.compared, len(drift.differences)) == (1203, 1203)
    assert [d.mentor_id for d in drift.differences if d.kind == "only_here"] == [mentors[-1]]


def test_while_the_portal_is_down_the_comparison_raises(night: SyncNight) -> None:
    """It does not return zero differences."""
    night.fail("down", times=1000)
    with pytest.raises(PortalUnavailable):
        measure(night)


def test_a_difference_from_the_future_has_no_negative_age(
    night: SyncNight, portal: PortalRows
) -> None:
    """The portal's clock may differ from ours."""
    portal.add("unknown here")
    late = NOW + timedelta(hours=1)
    row_of(portal, "unknown here").update(modifiedon=f"{late:%Y-%m-%dT%H:%M:%SZ}")
    assert (len(measure(night).differences), measure(night).oldest_seconds) == (1, 0)


def test_a_deactivated_row_of_an_unknown_person_is_not_a_difference(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: whatever its status column says; an active row of an unknown person is a difference."""
    portal.add(roster.add_mentor(), "stranger", "left")
    night.sync()
    night.portal.deactivate(MENTORS, row_of(portal, "left")["hlf_likepersonid"])
    assert [d.key for d in measure(night).differences] == ["stranger"]
