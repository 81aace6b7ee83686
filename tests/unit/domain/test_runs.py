"""The rules of a run and of its pages."""

from datetime import date
from uuid import uuid4

from mentor_pause.domain.runs import Page, PageOutcome, Run, Trigger, run_id_of
from mentor_pause.domain.summary import summarise


def a_run(total: int | None, closed: set[int]) -> Run:
    """A run with so many pages, of which some are closed."""
    trigger = Trigger("certification_expiry", uuid4(), "schedule", "event", "event")
    return Run(trigger, date(2026, 3, 1), pages_total=total, closed_pages=frozenset(closed))


RUN = a_run(1, {1})


def test_a_firing_always_starts_the_same_run_and_another_firing_another() -> None:
    """D6: however often it is delivered."""
    org = uuid4()
    assert run_id_of("job", org, "event-1") == run_id_of("job", org, "event-1")
    different = {
        run_id_of("job", org, "event-1"),
        run_id_of("job", org, "event-2"),
        run_id_of("other", org, "event-1"),
        run_id_of("job", uuid4(), "event-1"),
        run_id_of("job", None, "event-1"),
    }
    assert len(different) == 5


def test_a_run_is_whole_when_the_set_of_pages_is() -> None:
    """E8: never by a count."""
    assert a_run(2, {1, 2}).all_pages_closed
    assert a_run(0, set()).all_pages_closed
    assert not a_run(2, {2}).all_pages_closed
    assert not a_run(2, {2, 3}).all_pages_closed  # as many as there should be, but not those
    assert not a_run(None, {1, 2}).all_pages_closed  # paging goes on


def test_two_outcomes_of_a_page_come_together_and_the_better_one_counts() -> None:
    """R1: two workers that had the same page lose nothing of each other."""
    a, b, c = uuid4(), uuid4(), uuid4()
    first = PageOutcome(applied=(a,), errored=(b, c), note="the first")
    later = PageOutcome(skipped=(b,), errored=(a,))
    assert first | later == PageOutcome((a,), (b,), (c,), "the first")
    assert (later | first).applied == (a,)


def test_a_page_goes_on_with_the_mentors_that_are_not_settled() -> None:
    """R1: in the page's order; errors are settled too."""
    a, b, c, d = (uuid4() for _ in range(4))
    page = Page(1, (a, b, c, d), None, processed=PageOutcome(applied=(a,), errored=(c,)))
    assert page.unprocessed == (b, d)
    assert summarise(RUN, [page]).applied == (a,)
