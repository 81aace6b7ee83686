"""A run with errors names each reason, the number of mentors, and an example (E5, E7, E8)."""

from typing import Any
from uuid import UUID

import pytest

from mentor_pause.domain.runs import PageOutcome
from mentor_pause.engine.requeue import PageResult, Requeue
from mentor_pause.portal import NoPortal, Portal
from mentor_pause.retry import Remaining
from support.aws import Clients
from support.cluster import Cluster
from support.faults import ProcessDied
from support.night import DELIVERIES, Night, open_night, run_id
from support.roster import Roster
from support.sync import PortalRows, open_sync

REFUSED = "a function or a trigger refuses this row (SQLSTATE P0001)"


def error_of(roster: Roster) -> str:
    """Return the error text of the only run's row."""
    (row,) = roster.log()
    return str(row["error"])


def errors_of(night: Night) -> list[dict[str, Any]]:
    """Return the error groups of the only summary line, and check that the ledger has the same."""
    (line,) = night.lines("run completed")
    run = night.ledger.find_run(run_id(job=night.job))
    assert run is not None
    assert [group.as_json() for group in run.errors or ()] == line["errors"]
    assert sum(group["count"] for group in line["errors"]) == line["error_count"]
    return line["errors"]


def fail_with(roster: Roster, code: str, *mentors: UUID) -> None:
    """Make every change of these mentors fail with a SQLSTATE and a message that names a person."""
    roster.db.execute(
        f"create function refuse_{code}() returns trigger language plpgsql as $$ begin"
        f" raise exception 'Kari % is %', new.id, now() using errcode = '{code}'; end $$".encode()
    )
    listed = ", ".join(f"'{mentor}'" for mentor in mentors)
    roster.db.execute(
        f"create trigger refuse_{code} before update on peer_mentors for each row"
        f" when (new.id in ({listed})) execute function refuse_{code}()".encode()
    )


def test_two_kinds_of_errors_on_two_pages_are_two_groups_with_an_example_each(
    night: Night, roster: Roster
) -> None:
    """E7: the larger group comes first.

    Both pages' errors are named, and the text names no person.
    """
    mentors = roster.add_mentors(6)
    fail_with(roster, "P0001", mentors[1])
    fail_with(roster, "23514", mentors[2], mentors[4], mentors[5])
    night.fire()
    night.work_off()
    constraint = "a constraint on this row (SQLSTATE 23514)"
    assert errors_of(night) == [
        {"reason": constraint, "count": 3, "example": str(mentors[2])},
        {"reason": REFUSED, "count": 1, "example": str(mentors[1])},
    ]
    assert error_of(roster) == (
        f"4 errors: 3 {constraint}, such as mentor {mentors[2]};"
        f" 1 {REFUSED}, such as mentor {mentors[1]}"
    )


def test_a_reason_survives_the_invocations_that_its_page_takes(
    night: Night, roster: Roster
) -> None:
    """R1: the ledger keeps the reason as part of the page's progress, and the page's note too."""
    mentors = roster.add_mentors(3)
    first, second, third = mentors
    results = iter([
        PageResult(
            PageOutcome(errored=(first,), reasons={first: "HTTP 400"}, note="no renewals"),
            Requeue("time ran short", 1),
        ),
        PageResult(
            PageOutcome(errored=(second,), reasons={second: "HTTP 404"}, note="no rows"),
            Requeue("time ran short", 1),
        ),
        PageResult(PageOutcome(applied=(third,), note="no renewals")),
    ])  # fmt: skip
    night.consume = night.consumer(lambda _page, _remaining: next(results))
    night.fire()
    night.work_off()
    assert [(e["reason"], e["example"]) for e in errors_of(night)] == [
        ("HTTP 400", str(first)), ("HTTP 404", str(second)),
    ]  # fmt: skip
    assert error_of(roster).endswith(f"1 HTTP 404, such as mentor {second}; no renewals; no rows")


def test_a_dead_page_says_why_it_failed(night: Night, roster: Roster) -> None:
    """R1, E8: the text has the last reason for which the worker requeued the page."""
    mentors = roster.add_mentors(3)
    asked = iter(range(100))

    def work(*_: object) -> PageResult:
        reason = "HTTP 429" if next(asked) == 0 else "HTTP 503"
        return PageResult(PageOutcome(), Requeue(reason, 180, is_waiting=reason == "HTTP 429"))

    night.consume = night.consumer(work)
    night.fire()
    night.work_off()
    reason = "its page failed 5 times, last: HTTP 503"
    assert errors_of(night) == [{"reason": reason, "count": 3, "example": str(mentors[0])}]
    assert error_of(roster) == f"3 errors: 3 {reason}, such as mentor {mentors[0]}"
    (line,) = night.lines("page failed; its unprocessed mentors count as errors")
    assert line["reason"] == reason


def test_a_dead_page_whose_worker_broke_names_the_kind_of_error_alone(
    night: Night, roster: Roster
) -> None:
    """E13: the message of a foreign error may hold personal data, so only its type is named."""

    def broken(*_: object) -> PageResult:
        raise KeyError("Kari")

    mentors = roster.add_mentors(2)
    night.consume = night.consumer(broken)
    night.fire()
    (message,) = night.receive()
    for delivery in range(1, DELIVERIES + 1):
        with pytest.raises(KeyError):
            night.deliver(message, receive_count=delivery)
    assert night.deliver(message, dead=True)
    reason = "its page failed 5 times, last: KeyError"
    assert errors_of(night) == [{"reason": reason, "count": 2, "example": str(mentors[0])}]


def test_a_page_whose_workers_are_killed_says_that_no_reason_is_known(
    night: Night, roster: Roster
) -> None:
    """R1, E8: the database knows that the first mentor was paused; the others are errors."""
    mentors = roster.add_mentors(3)
    night.fire()
    (message,) = night.receive()
    for _ in range(DELIVERIES):
        # find run and page; then the first mentor
        night.plan.then("dies after", after=2)
        with pytest.raises(ProcessDied):
            night.deliver(message)
    night.plan.then()
    assert night.deliver(message, dead=True)
    reason = (
        "its page failed 5 times and no worker gave a reason; Lambda may have killed the workers"
    )
    assert errors_of(night) == [{"reason": reason, "count": 2, "example": str(mentors[1])}]
    assert error_of(roster) == f"2 errors: 2 {reason}, such as mentor {mentors[1]}"


def test_a_page_that_waits_does_not_hide_that_its_workers_are_killed_later(
    night: Night, roster: Roster
) -> None:
    """R1: the text says so if later deliveries ended without a reason."""
    roster.add_mentors(2)
    night.fire()
    (message,) = night.receive()
    result = PageResult(PageOutcome(), Requeue("HTTP 503", 1))
    night.consume = night.consumer(lambda _page, _remaining: result)
    assert not night.deliver(message, receive_count=1)
    assert night.deliver(message, dead=True)
    (group,) = errors_of(night)
    assert group["reason"] == (
        "its page failed 5 times, the last time without a reason;"
        " Lambda may have killed the worker; before that: HTTP 503"
    )


def test_a_refused_page_and_a_page_without_a_portal_both_have_their_note(
    aws: Clients, roster: Roster, cluster: Cluster
) -> None:
    """H3: the note of one page does not hide the errors of another page."""
    mentors = roster.add_mentors(6)
    with open_sync(aws, roster, cluster) as night:
        PortalRows(night.portal).add(*mentors)
        opened: list[Portal] = []

        def open_portal(remaining: Remaining) -> Portal:
            opened.append(night.open_portal(remaining) if opened else NoPortal())
            return opened[-1]

        night.take_from(open_portal)
        night.fail("forbidden", times=1000, after=1)
        night.fire()
        night.work_off()
        (summary,) = night.summaries()
        assert (summary["skipped_count"], summary["error_count"]) == (3, 3)
        assert sum(group["count"] for group in errors_of(night)) == 3
    error = error_of(roster)
    assert error.startswith("3 errors: ")
    assert "the portal refused the request (HTTP 403 0x80040220)" in error
    assert "the portal is switched off" in error
    assert str(mentors[3]) in error


def test_a_page_of_any_size_has_room_for_a_reason_of_each_mentor(
    aws: Clients, roster: Roster, cluster: Cluster
) -> None:
    """DynamoDB refuses items above 400 KB. The row's text ends with a whole sentence."""
    mentors = roster.add_mentors(500)
    reasons = {m: f"{number:03} {'x' * 300}" for number, m in enumerate(mentors)}
    settled = PageOutcome(errored=tuple(mentors), reasons=reasons)
    with open_night(aws, roster, cluster, page_size=500) as night:
        night.fire()
        result = PageResult(settled, Requeue("time ran short", 1))
        night.consume = night.consumer(lambda _page, _remaining: result)
        (message,) = night.receive()
        assert night.deliver(message)
        night.ledger.pages.save_progress(run_id(), 1, settled)
        night.work_off()
        assert len(errors_of(night)) == 20
    error = error_of(roster)
    assert error.startswith("500 errors: 1 ")
    assert f"such as mentor {mentors[8]}; and 491 more kinds (491 mentors); " in error
    assert 2000 < len(error) < 2600
