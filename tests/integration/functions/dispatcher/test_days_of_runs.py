"""The day of a run is fixed when it begins (E1)."""

from datetime import date, timedelta

import pytest

from support.night import JOB, Night, run_id
from support.roster import ORG, TODAY, Roster


def test_a_run_keeps_the_day_that_was_fixed_when_it_began(night: Night, roster: Roster) -> None:
    """E1: the database's clock steps back between the dispatch and the work."""
    mentors = roster.add_mentors(5)
    night.clock.now += timedelta(days=2000)
    ((today,),) = roster.db.execute("select private.org_today(%s)", (ORG,))
    night.fire(as_of=today)
    step_back(roster, today)
    night.work_off()
    (summary,) = night.summaries()
    assert (summary["paused_count"], summary["error_count"]) == (5, 0)
    assert {roster.status(mentor) for mentor in mentors} == {"paused"}


def step_back(roster: Roster, today: date) -> None:
    """Let the database's today be one day earlier."""
    roster.db.execute(
        f"create or replace function private.org_today(p_org_id uuid) returns date language sql"
        f" stable security definer set search_path = pg_catalog, pg_temp"
        f" as $$ select date '{today - timedelta(days=1)}' $$".encode()
    )


def test_a_day_ahead_is_refused_unless_its_run_has_begun(night: Night, roster: Roster) -> None:
    """E1: a run that has ended, another organisation's run and another day are refused, too."""
    mentor, other = roster.add_mentor(TODAY), roster.add_mentor(TODAY)
    ((today,),) = roster.db.execute("select private.org_today(%s)", (ORG,))
    ahead = today + timedelta(days=1)
    call = "select * from update_mentor_status(%s, %s, 'paused', 'certification_expired', %s, %s)"
    begin = "select * from begin_execution(%s, %s, %s, 'schedule', 'rule', 'running', %s, %s)"
    run, dry = run_id("a"), run_id("b")
    with pytest.raises(Exception, match="only a dry run may look ahead"):
        roster.db.execute(call, (mentor, ORG, run, ahead))
    with pytest.raises(Exception, match="is after today"):
        roster.db.execute(begin, (JOB, run, ORG, ahead + timedelta(days=1), False))
    roster.db.execute(begin, (JOB, dry, ORG, ahead + timedelta(days=1), True))
    with pytest.raises(Exception, match="only a dry run may look ahead"):
        roster.db.execute(call, (mentor, ORG, dry, ahead + timedelta(days=1)))
    roster.db.execute(begin, (JOB, run, ORG, ahead, False))
    with pytest.raises(Exception, match="only a dry run may look ahead"):
        roster.db.execute(call, (mentor, ORG, run, ahead + timedelta(days=1)))
    roster.db.execute(call, (mentor, ORG, run, ahead))
    assert roster.status(mentor) == "paused"
    roster.db.execute("select finish_execution(%s, 'completed', 1, 1, 0, 0)", (run,))
    with pytest.raises(Exception, match="only a dry run may look ahead"):
        roster.db.execute(call, (other, ORG, run, ahead))
