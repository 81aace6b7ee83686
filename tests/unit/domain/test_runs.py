"""The rules of a run and of its pages."""

from datetime import date
from uuid import UUID, uuid4

from mentor_pause.domain.runs import Page, PageOutcome, Run, Trigger, run_id_of
from mentor_pause.domain.summary import settle


def a_run(total: int | None, closed: set[int]) -> Run:
    """Return a run with so many pages, of which some are closed."""
    trigger = Trigger("certification_expiry", uuid4(), "schedule", "event", "event")
    return Run(trigger, date(2026, 3, 1), pages_total=total, closed_pages=frozenset(closed))


RUN = a_run(1, {1})


def test_each_trigger_starts_its_own_run() -> None:
    """D6: the same run, however often the trigger is delivered."""
    org = uuid4()
    assert run_id_of("job", org, "event-1") == run_id_of("job", org, "event-1")
    different = {
        run_id_of("job", org, "event-1"),
        run_id_of("job", org, "event-2"),
        run_id_of("other", org, "event-1"),
        run_id_of("job", uuid4(), "event-1"),
        run_id_of("job", None, "event-1"),
        run_id_of("job", org, "event-1", dry_run=True),
    }
    assert len(different) == 6
    fixed = run_id_of("certification_expiry", UUID(int=7), "event-1")
    assert str(fixed) == "5cb1db76-4fa4-5859-85ce-a787aee6414a", (
        "a new version must find the runs of the one before"
    )


def test_a_run_is_done_when_the_set_of_closed_pages_is_complete() -> None:
    """E8: a count of closed pages does not decide."""
    assert a_run(2, {1, 2}).all_pages_closed
    assert a_run(0, set()).all_pages_closed
    assert not a_run(2, {2}).all_pages_closed
    assert not a_run(2, {2, 3}).all_pages_closed  # the right number, but the wrong pages
    assert not a_run(None, {1, 2}).all_pages_closed  # paging has not ended


def test_two_outcomes_of_a_page_are_merged_and_the_better_one_counts() -> None:
    """R1: for two workers that had the same page."""
    a, b, c = uuid4(), uuid4(), uuid4()
    first = PageOutcome(applied=(a,), errored=(b, c), note="the first")
    later = PageOutcome(skipped=(b,), errored=(a,))
    assert first | later == PageOutcome((a,), (b,), (c,), "the first")
    assert (later | first).applied == (a,)


def test_a_reason_is_one_line_without_ids_whoever_wrote_it() -> None:
    """E13: the ledger and the logs keep it."""
    a = uuid4()
    assert PageOutcome(errored=(a,), reasons={a: f"mentor {a}\n is locked"}).reasons == {
        a: "mentor (id) is locked"
    }


def test_only_a_withdrawal_says_why_each_mentor_keeps_their_status() -> None:
    """G5: in another run a skipped mentor needs no reason."""
    a = uuid4()
    page = Page(1, (a,), PageOutcome(skipped=(a,)))
    assert settle(RUN, page).kept == {}
    trigger = Trigger("withdrawal", uuid4(), "manual", "event", "kari")
    assert settle(Run(trigger, date(2026, 3, 1)), page).kept == {a: "changed_since"}


def test_a_page_continues_with_its_unprocessed_mentors() -> None:
    """R1: in the page's order. Errors count as processed."""
    a, b, c, d = (uuid4() for _ in range(4))
    page = Page(1, (a, b, c, d), None, processed=PageOutcome(applied=(a,), errored=(c,)))
    assert page.unprocessed == (b, d)
    assert settle(RUN, page).applied == (a,)


def test_a_mentor_who_is_applied_after_all_is_not_kept() -> None:
    """G5: a page's two outcomes are merged, with the reasons of those who stay skipped."""
    a, b = uuid4(), uuid4()
    first = PageOutcome(skipped=(a, b), kept={a: "changed_since", b: "still_expired"})
    assert (first | PageOutcome(applied=(a,))).kept == {b: "still_expired"}
