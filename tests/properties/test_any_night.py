"""Whatever fails, in any order of messages, a night ends in the same state (E8, E9, D7).

Hypothesis draws a schedule of faults, one for each external call (ledger, database, queue, events):
an error before the call, an error after it (the write succeeded, the answer was lost), or the
process is killed before or after it. Messages are delivered in any order, some twice. Then the
faults stop.
"""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.aws import Clients
from support.cluster import Cluster
from support.conservation import check_conservation
from support.delivery import fire, work_off
from support.faults import FAULTS, Fault, Plan
from support.night import open_night, run_id
from support.roster import Roster

MENTORS = 7


@pytest.mark.slow
@settings(max_examples=10)
@given(
    faults=st.lists(st.sampled_from(FAULTS), max_size=60),
    order=st.randoms(use_true_random=False),
)
def test_any_faults_and_any_order_end_in_the_same_state(
    cluster: Cluster, aws: Clients, faults: list[Fault], order: random.Random
) -> None:
    """The conservation check passes, and the next run finds only the errored mentors."""
    _one_night(cluster, aws, faults, order)


@pytest.mark.slow
@settings(max_examples=10)
@given(
    positions=st.lists(st.integers(min_value=0, max_value=60), max_size=4),
    fault=st.sampled_from(FAULTS),
    order=st.randoms(use_true_random=False),
)
def test_a_few_faults_late_in_the_night(
    cluster: Cluster, aws: Clients, positions: list[int], fault: Fault, order: random.Random
) -> None:
    """Few faults let a night get further than many faults."""
    faults: list[Fault] = ["ok"] * 61
    for position in positions:
        faults[position] = fault
    _one_night(cluster, aws, faults, order)


def _one_night(cluster: Cluster, aws: Clients, faults: list[Fault], order: random.Random) -> None:
    with cluster.database(with_organisation=True) as db:
        roster = Roster(db)
        mentors = roster.add_mentors(MENTORS)
        roster.add_coordinator(chapters=[roster.chapter_id])
        with open_night(aws, roster, cluster, Plan(faults)) as night:
            fire(night)
            work_off(night, order)
            night.plan.then()
            night.clock.advance(3000)
            # The next night ends inactive runs, and pauses the mentors that the first one missed.
            assert night.fire("the next night")["status"] in ("running", "completed")
            work_off(night, order)
            for trigger_id in ("night-1", "the next night"):
                if night.ledger.find_run(run_id(trigger_id)) is not None:
                    check_conservation(night, roster, run_id(trigger_id))
            assert {roster.status(mentor) for mentor in mentors} == {"paused"}
            assert sorted(row["mentor_id"] for row in roster.history()) == mentors
