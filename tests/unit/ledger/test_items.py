"""How runs and pages are kept, attribute by attribute (E8)."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import permutations
from typing import Any, cast
from uuid import UUID, uuid4

from mentor_pause.domain.error_reasons import ErrorGroup, RequeueReason
from mentor_pause.domain.runs import Page, PageOutcome, Run, Trigger
from mentor_pause.ledger.items import (
    add_clause,
    expiry,
    new_run,
    page_key,
    progress_sets,
    read_page,
    read_run,
    run_key,
)

ORG, A, B, C, D = (UUID(int=number) for number in range(1, 6))
NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
DAY = date(2026, 3, 1)


def test_a_new_run_has_nothing_but_its_trigger_and_its_day() -> None:
    """D1: DynamoDB deletes it after ninety days."""
    trigger = Trigger("certification_expiry", ORG, "manual", "by hand", "kari")
    item = new_run(trigger, DAY, NOW)
    assert item == {
        "pk": f"RUN#{trigger.job_run_id}", "sk": "RUN", "job": "certification_expiry",
        "org": str(ORG), "trigger": "manual", "trigger_id": "by hand", "triggered_by": "kari",
        "dry_run": False, "as_of": "2026-03-01", "pages_planned": 0, "pages_sent": 0,
        "status": "running", "active_at": "2026-03-01T02:00:00+00:00",
        "expires_at": int((NOW + timedelta(90)).timestamp()),
    }  # fmt: skip
    assert read_run(item) == Run(trigger, DAY, active_at=NOW)
    assert (run_key(A), page_key(7)) == (f"RUN#{A}", "PAGE#7")
    assert expiry(NOW) == item["expires_at"]


def test_a_run_about_another_one_names_it() -> None:
    """G4, G5, O3: a release, a withdrawal and a redrive."""
    other, day = uuid4(), DAY
    for field in ("redrive_of", "releases", "withdraws"):
        named = cast("dict[str, Any]", {field: other})
        trigger = Trigger("withdrawal", ORG, "manual", "x", "kari", dry_run=True, **named)
        item = new_run(trigger, day, NOW)
        assert item[field] == str(other)
        assert read_run(item).trigger == trigger


def test_every_attribute_of_a_run_is_read() -> None:
    """E8: as the dispatcher, the workers and the completion leave it."""
    trigger = Trigger("hlf_sync", ORG, "schedule", "night", "rule", dry_run=True)
    later, zone = datetime(2026, 3, 1, 3, 0, tzinfo=UTC), timezone(timedelta(hours=1))
    group = ErrorGroup("HTTP 503", 2, A)
    item = new_run(trigger, DAY, NOW) | {
        "cursor": str(B), "pages_planned": 3, "pages_sent": 2, "pages_total": 5,
        "closed_through": 1, "closed_pages": {3, 4}, "status": "failed", "run_error": "late",
        "active_at": later.astimezone(zone).isoformat(), "leased_at": later.isoformat(),
        "wait_reason": "no right", "is_waiting": True, "errors": json.dumps([group.as_json()]),
    }  # fmt: skip
    assert read_run(item) == Run(
        trigger, DAY, cursor=B, pages_planned=3, pages_sent=2, pages_total=5, closed_through=1,
        closed_pages=frozenset({3, 4}), status="failed", error="late", active_at=later,
        leased_at=later, wait_reason="no right", is_waiting=True, errors=(group,),
    )  # fmt: skip


def test_an_open_page_has_the_progress_that_its_workers_saved() -> None:
    """R1: the ids are sets, so they come back in the page's order."""
    item = {
        "sk": "PAGE#12", "mentor_ids": [str(m) for m in (A, B, C, D)],
        "progress_applied": {str(D), str(A)}, "progress_skipped": {str(B)},
        "progress_errored": {str(C)}, "progress_note": "off", "reasons": {f"{C}|HTTP 503"},
        "kept": {f"{B}|changed_since"}, "copy": 2, "fence": 3,
        "requeue_reason": "no answer", "requeue_delivery": 4,
    }  # fmt: skip
    processed = PageOutcome(
        (A, D), (B,), (C,), note="off", reasons={C: "HTTP 503"}, kept={B: "changed_since"}
    )
    assert read_page(item) == Page(
        12, (A, B, C, D), None, fence=3, processed=processed, copy=2,
        last_requeue=RequeueReason("no answer", 4),
    )  # fmt: skip


def test_a_closed_page_has_its_outcome_and_the_progress_before_it() -> None:
    """R1: and a page without more has only its mentors."""
    item = {
        "sk": "PAGE#1", "mentor_ids": [str(A), str(B)], "progress_applied": {str(A)},
        "reasons": {f"{B}|HTTP 400"}, "closed_at": NOW.isoformat(), "applied": [],
        "skipped": [], "errored": [str(B)], "note": "not read",
    }  # fmt: skip
    page = read_page(item)
    assert page.closed_at == NOW
    assert page.outcome == PageOutcome((A,), (), (B,), "not read", {B: "HTTP 400"})
    bare = read_page({"sk": "PAGE#1", "mentor_ids": [str(A)]})
    assert bare == Page(1, (A,), None)


def test_a_mentor_with_several_reasons_has_the_last_one_of_their_order() -> None:
    """E7: so every reader returns the same one, in whatever order a set comes."""
    for order in permutations((f"{A} {B}|x|y", f"{A}|later", f"{A}|earlier")):
        page = read_page({"sk": "PAGE#1", "mentor_ids": [str(A)], "reasons": order})
        assert page.processed.reasons == {A: "later", B: "x|y"}


def test_only_sets_that_hold_something_are_added() -> None:
    """DynamoDB takes no empty set."""
    outcome = PageOutcome(
        (A,), (), (B, C), reasons={C: "r", B: "r", D: "s"}, kept={A: "still_expired"}
    )
    assert progress_sets(outcome) == {
        "progress_applied": {str(A)}, "progress_errored": {str(B), str(C)},
        "reasons": {f"{B} {C}|r", f"{D}|s"}, "kept": {f"{A}|still_expired"},
    }  # fmt: skip
    assert progress_sets(PageOutcome()) == {}
    assert add_clause({"a": 1, "b": 2}) == " ADD a :a, b :b"
    assert add_clause({}) == ""
