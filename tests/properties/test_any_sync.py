"""Whatever fails in portal and database, in any order, the next sync ends without drift (H3).

Hypothesis draws a schedule of faults for the portal's requests and one for the worker's calls to
the database. Messages are delivered in any order, some twice. Then the faults stop.
"""

import random
from collections import Counter
from datetime import UTC, date, datetime
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.portal_tables import Fault as PortalFault
from portal_drift.measure import MeasureDrift
from support.aws import Clients
from support.cluster import Cluster
from support.delivery import fire, work_off
from support.faults import FAULTS, Fault
from support.night import run_id
from support.roster import ORG, YESTERDAY, Roster
from support.sync import SYNC, PortalRows, SyncNight, open_sync, pause

MENTORS = 7
PORTAL_FAULTS: tuple[PortalFault, ...] = get_args(PortalFault.__value__)
MONDAY = datetime(2026, 11, 2, 8, tzinfo=UTC)


@pytest.mark.slow
@settings(max_examples=4)  # `make portal-seeds` runs many more
@given(
    portal_faults=st.lists(st.sampled_from(PORTAL_FAULTS), max_size=60),
    faults=st.lists(st.sampled_from(FAULTS), max_size=40),
    order=st.randoms(use_true_random=False),
)
def test_after_any_faults_the_next_sync_leaves_no_difference(
    cluster: Cluster,
    aws: Clients,
    portal_faults: list[PortalFault],
    faults: list[Fault],
    order: random.Random,
) -> None:
    """No mentor is lost or created, every renewal is stored once, and the counts add up."""
    with cluster.database(with_organisation=True) as db:
        roster = Roster(db)
        mentors = roster.add_mentors(MENTORS)
        with open_sync(aws, roster, cluster) as night:
            night.draw = lambda ids: order.sample(ids, len(ids))
            night.take_from(night.open_portal)
            portal = PortalRows(night.portal)
            portal.add(*mentors)
            for mentor in mentors[::2]:
                pause(roster, mentor)
                portal.certify(mentor, date(2028, 5, 31), MONDAY)
            night.sync_plan.then(*faults)
            night.portal.faults = list(portal_faults)
            fire(night)
            work_off(night, order)
            night.sync_plan.then()
            night.portal.faults = []
            night.clock.advance(3000)
            assert night.fire("the next night")["status"] == "running"
            work_off(night, order)

            measure = MeasureDrift(
                ORG, night.drift_database, night.open_portal, lambda: datetime.now(UTC)
            )
            assert measure(lambda: 60).differences == ()
            assert portal.paused() == {str(mentor) for mentor in mentors[::2]}
            assert len(portal.statuses()) == MENTORS
            assert stored(roster) == Counter(
                [YESTERDAY] * MENTORS + [date(2028, 6, 1)] * len(mentors[::2])
            )
            assert {roster.status(mentor) for mentor in mentors[::2]} == {"paused"}
            for trigger_id in ("night-1", "the next night"):
                check_run(night, roster, trigger_id)


def stored(roster: Roster) -> Counter[date]:
    """Count the certifications by day."""
    return Counter(row["expires_on"] for row in roster.rows("select * from certifications"))


def check_run(night: SyncNight, roster: Roster, trigger_id: str) -> None:
    """The run has ended. Summary, row and event agree, and count every mentor."""
    job_run_id = run_id(trigger_id, SYNC)
    run = night.ledger.find_run(job_run_id)
    assert run is not None
    assert run.status != "running"
    dispatched = {str(m) for p in night.ledger.pages.list(job_run_id) for m in p.mentor_ids}
    summary = [s for s in night.summaries() if s["job_run_id"] == str(job_run_id)][-1]
    assert (
        summary["processed_count"]
        == len(dispatched)
        == (summary["synced_count"] + summary["skipped_count"] + summary["error_count"])
    )
    reported = {*summary["mentor_ids_synced"], *summary["mentor_ids_errored"]}
    assert reported <= dispatched
    (row,) = [r for r in roster.log() if r["job_run_id"] == job_run_id]
    assert (row["processed_count"], row["paused_count"]) == (len(dispatched), 0)
    events = [e for e in night.events.details if e["job_run_id"] == str(job_run_id)]
    assert events[-1]["synced_count"] == summary["synced_count"]
