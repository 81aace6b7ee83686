"""Every log line about a run names it, from its trigger to its end (docs/decisions/0051)."""

import io
import json
from typing import Any
from uuid import UUID

import pytest
from aws_lambda_powertools import Logger

from mentor_pause.engine.run_log import naming_run_in_log
from support.faults import ProcessDied, failures
from support.night import Night, run_id
from support.roster import Roster


def test_the_first_line_of_a_run_has_the_trigger_and_the_run(night: Night, roster: Roster) -> None:
    """EventBridge's id of the rule's event is the trigger's id."""
    roster.add_mentors(7)
    night.fire("event-of-the-rule")
    night.work_off()
    dispatched, *others = night.lines()
    assert others[-1]["message"] == "run completed"
    assert dispatched["message"] == "run dispatched"
    assert (dispatched["kind"], dispatched["trigger_id"]) == ("schedule", "event-of-the-rule")
    assert _named(night) == {str(run_id("event-of-the-rule"))}


@pytest.mark.parametrize("after", [4, 12, 24])
def test_every_line_names_the_run_also_when_the_database_fails(
    night: Night, roster: Roster, after: int
) -> None:
    """The request or a page waits, or a mentor counts as an error."""
    roster.add_mentors(7)
    night.plan.then(*failures(3), after=after)
    night.fire()
    for request in night.waiting():
        assert night.deliver_waiting(request)
    night.work_off()
    assert night.lines()[-1]["message"] == "run completed"
    assert _named(night) == {str(run_id())}


def test_a_duplicate_trigger_and_a_refused_one_name_their_own_runs(
    night: Night, roster: Roster
) -> None:
    """A refused run has an id too, and a row."""
    roster.add_mentors(2)
    for trigger_id in ("night-1", "night-1", "night-2"):
        night.fire(trigger_id, trigger="manual")
    dispatched, duplicate, refused = night.lines()
    assert dispatched["job_run_id"] == duplicate["job_run_id"] == str(run_id("night-1"))
    assert refused["job_run_id"] == str(run_id("night-2"))


def test_a_dispatcher_that_ends_an_abandoned_run_names_both_runs(
    night: Night, roster: Roster
) -> None:
    """The lines of the abandoned run's completion are not about the run that the trigger starts."""
    roster.add_mentors(35)
    night.plan.then("dies before", after=29)
    with pytest.raises(ProcessDied):
        night.fire("night-1")
    night.clock.advance(4000)
    night.fire("night-2")
    ended = [line for line in night.lines("run completed") if line["status"] == "failed"]
    assert [line["job_run_id"] for line in ended] == [str(run_id("night-1"))]
    (dispatched,) = night.lines("run dispatched")
    assert dispatched["job_run_id"] == str(run_id("night-2"))


def test_a_run_that_completes_another_is_named_again_afterwards() -> None:
    """Without an outer run, no line names a run afterwards."""
    output = io.StringIO()
    logger = Logger(service="naming", stream=output)
    outer, inner = UUID(int=1), UUID(int=2)
    with naming_run_in_log(logger, outer):
        with naming_run_in_log(logger, inner):
            logger.info("inner")
        logger.info("outer")
    logger.info("neither")
    lines: list[dict[str, Any]] = [json.loads(line) for line in output.getvalue().splitlines()]
    assert [line.get("job_run_id") for line in lines] == [str(inner), str(outer), None]


def _named(night: Night) -> set[str | None]:
    return {line.get("job_run_id") for line in night.lines()}
