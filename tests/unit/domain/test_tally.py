"""The tally of a run has a bounded size, and survives being saved."""

from datetime import date
from uuid import UUID, uuid4

from mentor_pause.domain.jobs import MAX_PAGE_SIZE
from mentor_pause.domain.runs import PageOutcome, Run, Trigger
from mentor_pause.domain.tally import IDS_PER_LINE, Tally

RUN = Run(Trigger("certification_expiry", uuid4(), "schedule", "x", "x"), date(2026, 3, 1))
LARGEST = 200_000
"""Bytes of a saved tally."""


def errored(count: int, reason: str, note: str = "") -> PageOutcome:
    """Return the outcome of a page on which all mentors count as errors."""
    ids = tuple(uuid4() for _ in range(count))
    return PageOutcome(errored=ids, reasons=dict.fromkeys(ids, reason), note=note)


def test_a_saved_tally_has_a_bounded_size_whatever_the_reasons() -> None:
    """E7: a thousand kinds of errors, and a thousand notes."""
    tally = Tally()
    for number in range(1, 1001):
        note = f"note {number} " * 20
        tally.add(number, errored(2, f"reason {number}: {'x' * 150}", note))
        tally.forget_ids()
    assert len(tally.as_text()) < LARGEST
    totals = Tally.from_text(tally.as_text()).totals(RUN, None)
    assert (totals.error_count, sum(group.count for group in totals.errors)) == (2000, 2000)
    assert len(totals.errors) == 20


def test_a_saved_tally_continues_as_if_it_had_not_been_saved() -> None:
    """E8: with the examples, the order and the notes."""
    kept = uuid4()
    withdrawn = PageOutcome(skipped=(kept,), kept={kept: "still_expired"})
    pages = [errored(3, "late", "slow"), errored(1, "locked"), errored(2, "late"), withdrawn]
    straight, saved = Tally(), Tally()
    for number, page in enumerate(pages, 1):
        straight.add(number, page)
        saved.add(number, page)
        saved = Tally.from_text(saved.as_text())
    assert saved == straight
    assert saved.totals(RUN, 7) == straight.totals(RUN, 7)
    assert (saved.notes, saved.page) == ("slow", 4)
    assert saved.id_lists(RUN)["mentor_ids_still_expired"] == [str(kept)]


def test_every_result_counts_and_every_id_waits_for_a_line() -> None:
    """E7: applied, skipped, errored, and those of the skipped who are named."""
    a, b, c, d = (UUID(int=n) for n in range(1, 5))
    page = PageOutcome((a,), (b, c), (d,), reasons={d: "late"}, kept={b: "changed_since"})
    tally = Tally()
    tally.add(7, page)
    totals = tally.totals(RUN, None)
    assert (totals.applied_count, totals.skipped_count, totals.error_count) == (1, 2, 1)
    assert (tally.page, tally.unlogged) == (7, 3)
    assert tally.fills_a_line(MAX_PAGE_SIZE + 2)
    assert not tally.fills_a_line(MAX_PAGE_SIZE + 3)
    tally.forget_ids()
    assert tally.unlogged == 0


def test_notes_end_at_the_length_of_a_rows_text() -> None:
    """E7: then later ones are left out."""
    tally = Tally()
    tally.add(1, PageOutcome(note="n" * 3800))
    tally.add(2, PageOutcome(note="another"))
    assert tally.notes == "n" * 3800
    longer = Tally()
    longer.add(1, PageOutcome(note="n" * 3801))
    assert longer.notes == "n" * 3797 + "..."
    room = Tally()
    room.add(1, PageOutcome(note="n" * 3790))
    room.add(2, PageOutcome(note="more"))
    assert room.notes == "n" * 3790 + "; more"


def test_a_line_never_gets_more_ids_than_fit() -> None:
    """E7: Lambda would cut it."""
    tally, longest = Tally(), 0
    for number in range(1, 100):
        tally.add(number, PageOutcome(applied=tuple(UUID(int=n) for n in range(MAX_PAGE_SIZE))))
        longest = max(longest, len(tally.applied))
        if tally.fills_a_line():
            tally.forget_ids()
    assert longest == IDS_PER_LINE
