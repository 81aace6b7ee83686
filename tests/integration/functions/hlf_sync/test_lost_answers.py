"""A worker that loses an answer, or is overtaken by another worker, loses no mentor (H3)."""

from datetime import date
from uuid import UUID

import pytest

from mentor_pause.portal import MentorState
from support.faults import ProcessDied, failures
from support.night import run_id
from support.portal_wrappers import Overtaken
from support.roster import ORG, Roster
from support.sync import SYNC, PortalRows, SyncNight, drift, ids, pause, start_run

PAGE_SIZE = 5


@pytest.mark.parametrize("after", range(11))
def test_wherever_the_database_fails_the_redelivered_page_completes_the_work(
    night: SyncNight, mentors: list[UUID], portal: PortalRows, after: int
) -> None:
    """H3: at the watermark, states, marks, or completion; before the call or after it."""
    message = start_run(night)
    night.sync_plan.then(*failures(3), after=after)
    assert night.deliver(message)
    assert night.sync_plan.injected == 3
    night.clock.advance(60)
    night.work_off()
    assert night.summaries()[-1]["mentor_ids_synced"] == ids(mentors)
    assert drift(night) == 0


def test_a_mark_whose_answer_was_lost_counts_for_this_run(
    night: SyncNight, mentors: list[UUID]
) -> None:
    """E9: a redelivered page reports its mentors as synced by this run."""
    message = start_run(night)
    night.sync_plan.then("after", "dies after", after=4)  # the third mentor's mark
    with pytest.raises(ProcessDied):
        night.deliver(message)
    assert night.deliver(message, receive_count=2)
    assert night.summaries()[-1]["mentor_ids_synced"] == ids(mentors)


def test_a_worker_that_was_overtaken_sends_the_newer_state_again(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H3: two workers send one mentor; the portal ends with the newest state."""
    mentor = roster.add_mentor()
    portal.add(mentor)

    def newer() -> None:
        pause(roster, mentor)
        (state,) = night.portal_database.list_states(ORG, [mentor])
        other = night.open_portal(lambda: 60)
        other.push(MentorState(state.portal_key, state.status, state.reason, state.effective_on))
        other.close()
        assert night.portal_database.mark_synced(ORG, state, run_id("another", SYNC))

    meanwhile = [newer]
    night.take_from(lambda remaining: Overtaken(night.open_portal(remaining), meanwhile))
    assert night.sync()["synced_count"] == 1
    assert portal.paused() == {str(mentor)}
    assert len(night.asked("PATCH")) == 3
    night.take_from(night.open_portal)
    assert drift(night) == 0


def test_a_mentor_whose_worker_is_overtaken_each_time_is_an_error(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """E5: after three pushes, with one log line; the next run sends the mentor."""
    mentor = roster.add_mentor(date(2100, 1, 1))
    portal.add(mentor)

    def change(status: str) -> None:
        roster.db.execute(
            "select * from update_mentor_status(%s, %s, %s, 'again')", (mentor, ORG, status)
        )
        (state,) = night.portal_database.list_states(ORG, [mentor])
        assert night.portal_database.mark_synced(ORG, state, run_id("another", SYNC))

    meanwhile = [lambda s=status: change(s) for status in ("paused", "active", "paused")]
    night.take_from(lambda remaining: Overtaken(night.open_portal(remaining), meanwhile))
    assert night.sync()["mentor_ids_errored"] == [str(mentor)]
    (line,) = night.lines("mentor not synced")
    assert line["reason"] == "other workers kept sending newer states of this mentor"
