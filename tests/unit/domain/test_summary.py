"""A run's summary has every mentor in exactly one list."""

from dataclasses import replace
from datetime import date
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from mentor_pause.domain.runs import MentorResult, Page, PageOutcome, Run, Trigger
from mentor_pause.domain.summary import BrakeCounts, settle, summarise

ids = st.uuids(version=4)


TRIGGER = Trigger("certification_expiry", uuid4(), "schedule", "event", "event")
RUN = Run(TRIGGER, date(2026, 3, 1), pages_total=1, closed_pages=frozenset({1}))


@given(
    st.lists(
        st.tuples(ids, st.sampled_from(["paused", "skipped", "errored", "lost"])),
        unique_by=lambda t: t[0],
    )
)
def test_every_dispatched_mentor_is_in_exactly_one_list(fates: list[tuple[UUID, str]]) -> None:
    """E7: processed = paused + skipped + error, and a lost mentor is named."""
    by_kind = {
        kind: tuple(m for m, f in fates if f == kind) for kind in ("paused", "skipped", "errored")
    }
    outcome = PageOutcome(by_kind["paused"], by_kind["skipped"], by_kind["errored"])
    page = Page(1, tuple(m for m, _ in fates), outcome)
    summary = summarise(RUN, [settle(RUN, page)])
    assert sorted([*summary.applied, *summary.skipped, *summary.errored]) == sorted(
        m for m, _ in fates
    )
    assert set(summary.errored) == {m for m, f in fates if f in ("errored", "lost")}
    assert summary.totals.processed_count == len(fates)


def test_an_open_page_counts_as_errors() -> None:
    """E8: no mentor is lost silently."""
    mentors = (uuid4(), uuid4())
    assert settle(RUN, Page(1, mentors, None)).errored == mentors


def test_the_data_decides_about_mentors_that_count_as_errors_and_about_no_other() -> None:
    """E8: a change whose answer was lost counts; a mentor without need of a change is skipped."""
    landed, settled, skipped, failed = (uuid4() for _ in range(4))
    page = Page(1, (landed, settled, skipped, failed), PageOutcome(skipped=(skipped,)))
    by_data: dict[UUID, MentorResult] = {landed: "applied", settled: "skipped", skipped: "applied"}
    summary = settle(RUN, page, by_data)
    assert (summary.applied, summary.skipped, summary.errored) == (
        (landed,),
        (settled, skipped),
        (failed,),
    )


def test_the_summary_has_the_fields_of_the_requirement_and_reasons_in_page_order() -> None:
    """E7: the lists come last, because readers may stop at 200 fields."""
    a, b, c = uuid4(), uuid4(), uuid4()
    pages = [Page(1, (a, b), PageOutcome(applied=(a, b))), Page(2, (c,), PageOutcome(errored=(c,)))]
    found = summarise(RUN, [settle(RUN, page) for page in pages]).as_json()
    assert list(found)[-2:] == ["mentor_ids_paused", "mentor_ids_errored"]
    assert found == {
        "job_run_id": str(RUN.job_run_id),
        "processed_count": 3,
        "paused_count": 2,
        "skipped_count": 0,
        "error_count": 1,
        "errors": [{"reason": "the worker gave no reason", "count": 1, "example": str(c)}],
        "mentor_ids_paused": [str(a), str(b)],
        "mentor_ids_errored": [str(c)],
    }


def test_a_withdrawal_says_why_each_of_the_others_keeps_their_status() -> None:
    """G5: all three lists, also empty ones; a mentor about whom the data decided has changed."""
    run = replace(RUN, trigger=replace(TRIGGER, job_name="withdrawal"))
    resumed, changed, expired, late = (uuid4() for _ in range(4))
    outcome = PageOutcome(
        (resumed,), (changed, expired), (late,),
        kept={changed: "changed_since", expired: "still_expired"},
    )  # fmt: skip
    page = Page(1, (resumed, changed, expired, late), outcome)
    found = summarise(run, [settle(run, page, {late: "skipped"})]).as_json()
    assert (found["resumed_count"], found["skipped_count"]) == (1, 3)
    assert found["mentor_ids_resumed"] == [str(resumed)]
    assert found["mentor_ids_changed_since"] == [str(changed), str(late)]
    assert found["mentor_ids_still_expired"] == [str(expired)]
    assert summarise(run, []).as_json()["mentor_ids_changed_since"] == []


def test_the_counts_of_the_brake_stand_beside_those_of_the_requirement() -> None:
    """G3: held mentors are not processed mentors."""
    found = replace(summarise(RUN, []), brake=BrakeCounts(12, 12, acts=True)).as_json()
    assert (found["processed_count"], found["unforeseen_count"], found["held_count"]) == (0, 12, 12)
