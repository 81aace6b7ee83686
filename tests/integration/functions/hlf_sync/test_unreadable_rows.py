"""An unreadable row of the portal is named, and affects no other row (R3)."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from local.portal_tables import Row
from portal_drift.measure import Drift, MeasureDrift
from support.aws import Clients
from support.cluster import Cluster
from support.portal import MENTORS
from support.roster import ORG, YESTERDAY, Roster
from support.sync import MONDAY, PortalRows, SyncNight, open_sync

IN_2028 = date(2028, 5, 31)


@pytest.fixture
def night(aws: Clients, roster: Roster, cluster: Cluster) -> Iterator[SyncNight]:
    """All mentors on one page of the sync, and pages of twenty of the portal."""
    with open_sync(aws, roster, cluster, page_size=50) as found:
        found.portal.page_size = 20
        yield found


def certified(roster: Roster, portal: PortalRows, mentors: int = 50) -> list[Row]:
    """Enter mentors who are expired here and renewed there; return the renewals."""
    found = roster.add_mentors(mentors)
    portal.add(*found)
    return [
        portal.certify(mentor, IN_2028, MONDAY + timedelta(minutes=number))
        for number, mentor in enumerate(found)
    ]


def measure(night: SyncNight) -> Drift:
    """Compare now."""
    measuring = MeasureDrift(
        ORG, night.drift_database, night.open_portal, lambda: datetime.now(UTC)
    )
    return measuring(lambda: 60)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("hlf_certificationid", "\ud800"),
        ("hlf_certificationid", 17),
        ("hlf_mentornumber", "7\x00"),
        ("hlf_mentornumber", True),
        ("hlf_validuntil", "2026-02-30"),
        ("hlf_validuntil", ["2028-05-31"]),
        ("modifiedon", "9999-12-31T23:59:59-14:00"),
        ("modifiedon", None),
    ],
)
def test_of_fifty_certifications_forty_nine_are_stored_and_one_is_named(
    night: SyncNight, roster: Roster, portal: PortalRows, column: str, value: object
) -> None:
    """R3: the run's note has an example, the log has the name, and the run completes."""
    row = certified(roster, portal)[24]
    name = row["hlf_certificationid"]
    row[column] = value
    summary = night.sync()
    assert (summary["renewed_count"], summary["error_count"]) == (49, 0)
    assert summary["synced_count"] == 50
    (line,) = night.lines("certifications of the portal cannot be read")
    (named,) = line["rows"]
    by_place = column == "hlf_certificationid"
    assert named.startswith("row " if by_place else f"{name} ({column} ")
    log = roster.log()[0]
    assert log["status"] == "completed"
    assert log["error"] == f"1 certifications of the portal cannot be read, such as {named}"
    assert len(named) < 150
    assert named.isprintable()


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize("column", ["hlf_mentornumber", "hlf_validuntil"])
def test_a_row_without_a_mentor_or_a_day_is_skipped(
    night: SyncNight, roster: Roster, portal: PortalRows, column: str, value: object
) -> None:
    """H1: such a row is not an error."""
    certified(roster, portal, 3)[1][column] = value
    assert night.sync()["renewed_count"] == 2
    assert roster.log()[0]["error"] is None


@pytest.mark.parametrize("ahead", [timedelta(days=30), None], ids=["30 days", "the year 9999"])
def test_a_modifiedon_in_the_future_does_not_hide_later_changes(
    night: SyncNight, roster: Roster, portal: PortalRows, ahead: timedelta | None
) -> None:
    """R3: the row is stored and named; a correction with an older moment counts."""
    rows = certified(roster, portal, 3)
    now = datetime.now(UTC)
    moment = now + ahead if ahead else datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    rows[1]["modifiedon"] = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    assert night.sync()["renewed_count"] == 3
    assert roster.log()[0]["error"] == (
        "1 certifications of the portal have a modifiedon in the future, such as "
        + rows[1]["hlf_certificationid"]
    )
    later = roster.add_mentor(YESTERDAY)
    portal.add(later)
    portal.certify(later, IN_2028, datetime.now(UTC))
    assert night.sync("night-2")["renewed_count"] == 1
    rows[1] |= {
        "modifiedon": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        "hlf_validuntil": "2029-05-31",
    }
    assert night.sync("night-3")["renewed_count"] == 1
    assert roster.log()[-1]["error"] is None


@pytest.mark.parametrize("value", ["\ud800", "7\x00", 17, ["7"]])
def test_of_fifty_mentors_in_the_portal_forty_nine_are_compared_and_one_is_named(
    night: SyncNight, roster: Roster, portal: PortalRows, value: object
) -> None:
    """H5, R3: without its key the mentor of a row is unknown; a person has to look at it."""
    portal.add(*roster.add_mentors(49), "the odd one")
    assert night.sync()["synced_count"] == 49
    rows = night.portal.table(MENTORS).rows.values()
    next(r for r in rows if r["hlf_mentornumber"] == "the odd one")["hlf_mentornumber"] = value
    drift = measure(night)
    assert (drift.compared, drift.differences) == (49, ())
    (named,) = drift.unreadable
    assert str(named).startswith("row ")
    assert str(named).isprintable()
    assert drift.as_json(10)["unreadable_rows"] == [str(named)]


@pytest.mark.parametrize("value", ["100000000", True, float("inf"), {}, "\ud800"])
def test_of_fifty_mentors_the_one_with_an_unreadable_status_differs(
    night: SyncNight, roster: Roster, portal: PortalRows, value: object
) -> None:
    """H5, R3: the difference names the mentor by id."""
    mentors = roster.add_mentors(50)
    portal.add(*mentors)
    night.sync()
    rows = night.portal.table(MENTORS).rows.values()
    next(r for r in rows if r["hlf_mentornumber"] == str(mentors[7]))["hlf_status"] = value
    (found,) = measure(night).differences
    assert (found.mentor_id, found.there) == (mentors[7], None)


@pytest.mark.parametrize("key", ["a/b", "7\x1b", "7" * 451])
def test_of_fifty_mentors_one_has_a_key_that_dataverse_does_not_take(
    night: SyncNight, roster: Roster, portal: PortalRows, key: str
) -> None:
    """H3, R3: forty-nine are synced, and one is named; the drift names the same mentor."""
    mentors = roster.add_mentors(50)
    portal.add(*mentors)
    roster.db.execute("update peer_mentors set portal_key = %s where id = %s", (key, mentors[7]))
    summary = night.sync()
    assert summary["synced_count"] == 49
    assert summary["mentor_ids_errored"] == [str(mentors[7])]
    drift = measure(night)
    assert {d.mentor_id for d in drift.differences if d.kind != "only_there"} == {mentors[7]}
