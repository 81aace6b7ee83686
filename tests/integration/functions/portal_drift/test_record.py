"""What the measurement of the drift stores, and what the console then shows (H5, C4)."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from mentor_pause.errors import DatabaseUnavailable
from portal_drift.measure import Difference, Drift
from portal_drift.record import RecordDrift
from support.cluster import Cluster
from support.drift import NOW, measuring, report, row_of
from support.metrics import emitted
from support.roster import ORG, Roster
from support.sync import PortalRows, SyncNight

EARLIER, LATER = datetime(2100, 1, 1, tzinfo=UTC), datetime(2100, 1, 2, tzinfo=UTC)
STRANGER = Difference("only_there", None, "Kari Nordmann", None, "active", EARLIER)


@pytest.fixture
def record(night: SyncNight) -> RecordDrift:
    """Stores as the function does."""
    return RecordDrift(ORG, night.drift_database)


def stored(roster: Roster) -> dict[str, Any]:
    """Return what is stored."""
    (row,) = roster.rows("select * from portal_differences")
    return row


def website(roster: Roster, cluster: Cluster) -> dict[str, Any]:
    """Return what the console shows to an administrator."""
    admin = uuid4()
    roster.db.execute("insert into org_members values (%s, %s, 'admin')", (ORG, admin))
    url = cluster.url_as(roster.db, "authenticated", admin)
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("select get_website(%s)", (ORG,)).fetchone()
    assert row is not None
    return row[0]


def test_the_console_shows_the_differences_without_the_portals_keys(
    night: SyncNight, roster: Roster, portal: PortalRows, cluster: Cluster
) -> None:
    """H5, C4, E13: a key of the portal may be a name."""
    mentor = roster.add_mentor()
    portal.add("Kari Nordmann")
    row_of(portal, "Kari Nordmann")["modifiedon"] = "2099-12-31T00:00:00Z"
    answer, _ = report(night, lambda: measuring(night))
    shown = website(roster, cluster)
    assert datetime.fromisoformat(shown["measured_at"]) == NOW
    assert shown["differing_count"] == answer["differing"] == 2
    here, there = shown["differences"]
    assert here.pop("since") is not None
    assert here == {
        "kind": "only_here", "mentor_id": str(mentor), "display_name": None,
        "here": "active", "there": None,
    }  # fmt: skip
    assert datetime.fromisoformat(there.pop("since")) == datetime(2099, 12, 31, tzinfo=UTC)
    assert there == {
        "kind": "only_there", "mentor_id": None, "display_name": None,
        "here": None, "there": "active",
    }  # fmt: skip
    assert "Kari" not in json.dumps(stored(roster), default=str)


def test_the_next_measurement_replaces_the_last_one(record: RecordDrift, roster: Roster) -> None:
    """H5: an older one that ends later does not."""
    record(Drift(EARLIER, 1, (STRANGER,)))
    assert stored(roster)["differing_count"] == len(stored(roster)["differences"]) == 1
    record(Drift(LATER, 1, ()))
    record(Drift(EARLIER, 1, (STRANGER,)))
    found = stored(roster)
    assert (found["measured_at"], found["differing_count"], found["differences"]) == (LATER, 0, [])


def test_at_most_a_thousand_are_stored_and_all_are_counted(
    record: RecordDrift, roster: Roster
) -> None:
    """H5."""
    record(Drift(EARLIER, 1001, (STRANGER,) * 1001))
    found = stored(roster)
    assert (found["differing_count"], len(found["differences"])) == (1001, 1000)


def test_a_failure_to_store_hides_neither_metrics_nor_answer(
    night: SyncNight, roster: Roster, capsys: pytest.CaptureFixture[str]
) -> None:
    """H5: the log says it."""
    roster.add_mentor()

    def unreachable() -> RecordDrift:
        raise DatabaseUnavailable("no answer")

    answer, (*_, line) = report(night, lambda: measuring(night), record=unreachable)
    assert (answer["status"], answer["differing"]) == ("measured", 1)
    assert (line["level"], line["message"]) == ("ERROR", "drift not recorded")
    assert line["reason"] == "no answer"
    metrics = emitted(capsys)
    assert (metrics["PortalMentorsDiffering"], metrics["PortalDriftUnmeasured"]) == ([1], [0])
    assert roster.rows("select * from portal_differences") == []


def test_a_database_that_refuses_is_logged(night: SyncNight, roster: Roster) -> None:
    """H5: for example a database without the newest migration."""
    roster.db.execute("revoke execute on function record_portal_drift from portal_sync")
    answer, (*_, line) = report(night, lambda: measuring(night))
    assert (answer["status"], line["message"]) == ("measured", "drift not recorded")
