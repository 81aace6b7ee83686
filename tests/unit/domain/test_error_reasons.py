"""The reasons for which mentors count as errors: texts and groups."""

import re
from datetime import date
from itertools import permutations
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.show.runs import show_run
from mentor_pause.database.error_classification import error_from_code, reason_of
from mentor_pause.domain.error_reasons import (
    LONGEST,
    NO_REASON,
    UNNAMED,
    ErrorCounts,
    ErrorGroup,
    RequeueReason,
    cut,
    describe_errors,
    group_errors,
    join_notes,
    plain,
    reason_of_failed_page,
    reason_of_unfinished_page,
)
from mentor_pause.domain.runs import Page, PageOutcome, Run, Trigger
from mentor_pause.domain.summary import settle, summarise
from mentor_pause.errors import DatabaseError, DatabaseUnavailable, PortalError

ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
A, B, C, D = (UUID(int=number) for number in range(1, 5))
RUN = Run(Trigger("certification_expiry", uuid4(), "schedule", "event", "event"), date(2026, 3, 1))

texts = st.text(max_size=400)
reasons = st.dictionaries(
    st.uuids(version=4),
    st.integers(0, 60).map(lambda n: f"{n} {'word ' * (n % 40)}end"),
    max_size=200,
)


@given(texts)
def test_a_reason_is_one_bounded_line_of_ascii_however_often_it_is_made(text: str) -> None:
    """E12: so it takes as many bytes as characters."""
    reason = plain(text)
    assert reason.isascii()
    assert reason.isprintable()
    assert len(reason) <= LONGEST
    assert plain(reason) == reason


def test_a_reason_names_no_mentor_and_quotes_no_text() -> None:
    """E13: equal errors then have equal reasons."""
    assert plain(f"mentor {uuid4()} is\n locked") == "mentor (id) is locked"
    assert plain("HTTP 503: the gateway is away (it says: Kari (39) is away)") == (
        "HTTP 503: the gateway is away"
    )


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            error_from_code("23514", "Kari is too old"),
            "a constraint on this row (SQLSTATE 23514)",
        ),
        (
            error_from_code("PT404", "mentor not found"),
            "one of our functions refuses: not found, not allowed, conflict (SQLSTATE PT404)",
        ),
        (
            error_from_code("ZZ001", "Kari"),
            "the database refuses this row (SQLSTATE ZZ001)",
        ),
        (
            error_from_code("53300", "user kari"),
            "the database is out of connections, memory or disk space (SQLSTATE 53300)",
        ),
        (DatabaseUnavailable("no answer within 5 s"), "no answer within 5 s"),
        (DatabaseError("the day in the answer cannot be read"),
         "the day in the answer cannot be read"),
        (PortalError("the portal refused the request (HTTP 400)"),
         "the portal refused the request (HTTP 400)"),
        (KeyError("Kari"), "KeyError"),
    ],
)  # fmt: skip
def test_a_failed_call_has_a_reason_by_its_code_and_in_our_words(
    error: Exception, reason: str
) -> None:
    """E13: a trigger's message may name a person."""
    assert reason_of(error) == reason


@given(reasons)
def test_every_mentor_is_in_one_group_and_the_largest_comes_first(found: dict[UUID, str]) -> None:
    """E7: the counts add up, and each example has its group's reason."""
    groups = group_errors(found)
    assert sum(group.count for group in groups) == len(found)
    assert len(groups) <= 20
    for group in groups[:19]:
        assert group.count == list(found.values()).count(group.reason)
        assert found[group.example] == group.reason
        assert group.example == next(m for m in found if found[m] == group.reason)
    sizes = [group.count for group in groups[:19]]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(group.kinds for group in groups) == len(set(found.values()))


def test_twenty_groups_are_shown_and_of_twenty_one_the_last_two_together() -> None:
    """E7: the example of the last group is a mentor of it."""
    found = {UUID(int=n): f"reason {n:02}" for n in range(1, 22)}
    twenty = dict(list(found.items())[:20])
    assert {group.reason for group in group_errors(twenty)} == set(twenty.values())
    last = group_errors(found)[-1]
    assert last == ErrorGroup("one of 2 other reasons", 2, UUID(int=20), 2)


def test_a_run_counts_five_hundred_reasons_and_adds_up_the_others() -> None:
    """E7: so the memory is bounded; the example is the first of the others."""
    counts = ErrorCounts()
    for number in range(1, 501):
        counts.add(UUID(int=number), f"reason {number}")
    assert (len(counts.groups), counts.others) == (500, None)
    for number in (501, 502):
        counts.add(UUID(int=number), f"reason {number}")
    assert len(counts.groups) == 500
    assert counts.others == ErrorGroup("another reason, after the first 500", 2, UUID(int=501))
    counts.add(UUID(int=503), "reason 500")
    assert counts.groups["reason 500"].count == 2


def test_the_text_has_reason_count_and_example() -> None:
    """E7."""
    groups = group_errors({A: "HTTP 503", B: "HTTP 400", C: "HTTP 400"})
    assert describe_errors(groups, 2000) == (
        f"3 errors: 2 HTTP 400, such as mentor {B}; 1 HTTP 503, such as mentor {A}"
    )
    assert describe_errors(group_errors({A: "HTTP 503"}), 2000) == (
        f"1 error: 1 HTTP 503, such as mentor {A}"
    )
    assert describe_errors((), 2000) == ""


@given(reasons, st.integers(400, 4000))
def test_a_long_text_cuts_no_id_and_counts_the_groups_that_it_leaves_out(
    found: dict[UUID, str], room: int
) -> None:
    """E7: a reader of the row sees that there are more."""
    groups = group_errors(found)
    text = describe_errors(groups, room)
    assert len(text) <= room
    assert not found or text.startswith(f"{len(found)} error")
    named = re.findall(rf"such as mentor ({ID})", text)
    assert [str(group.example) for group in groups[: len(named)]] == named
    assert text.count("such as mentor") == len(named)
    left = groups[len(named) :]
    kinds, mentors = sum(g.kinds for g in left), sum(g.count for g in left)
    said = re.search(r"; and (\d+) more kinds? \((\d+) mentors?\)$", text)
    assert (said.groups() if said else ("0", "0")) == (str(kinds), str(mentors))


def test_two_mentors_are_plural() -> None:
    """E7."""
    groups = tuple(ErrorGroup("r" * 200, n, UUID(int=n)) for n in (3, 2))
    room = len(describe_errors(groups, 2000)) - 1
    assert describe_errors(groups, room).endswith("; and 1 more kind (2 mentors)")


def test_groups_that_just_fit_are_named_and_the_others_counted() -> None:
    """E7: one kind and one mentor are not plural."""
    groups = tuple(ErrorGroup("r" * 200, 4 - n, UUID(int=n)) for n in (1, 2, 3))
    whole = describe_errors(groups, 2000)
    assert describe_errors(groups, len(whole)) == whole
    shorter = describe_errors(groups, len(whole) - 1)
    assert shorter.endswith(f"such as mentor {UUID(int=2)}; and 1 more kind (1 mentor)")
    assert describe_errors(groups, len(shorter)) == shorter
    assert describe_errors(groups, len(shorter) - 1).endswith(
        f"such as mentor {UUID(int=1)}; and 2 more kinds (3 mentors)"
    )


@given(st.lists(st.sampled_from(["word", str(A), "x" * 50]), min_size=1), st.integers(60, 200))
def test_a_text_is_cut_at_a_space(words: list[str], longest: int) -> None:
    """So that no id is cut."""
    text = cut(" ".join(words), longest)
    assert len(text) <= longest
    assert set(text.removesuffix("...").split()) <= set(words)


def test_a_text_keeps_as_many_whole_words_as_fit() -> None:
    """E12: a text of exactly the length stays; only a word that is too long for an id is cut."""
    assert cut("four five", 9) == "four five"
    assert cut("four five six", 12) == "four..."
    assert cut("four five six", 13) == "four five six"
    assert cut("four five seven", 13) == "four five..."
    assert cut("x" * 100, 53) == "...", "50 characters may be the beginning of an id"
    assert cut("x" * 100, 54) == f"{'x' * 51}..."
    assert plain("w" * 200) == "w" * 200
    assert plain("w" * 201) == "w" * 197 + "..."


def test_what_is_no_printable_ascii_becomes_a_space() -> None:
    """E12: two words stay two words."""
    assert plain("one\ntwo\x00three\u00a0four\u00e5five") == "one two three four five"


def test_remarks_come_together_each_once() -> None:
    """No first remark hides another."""
    assert join_notes("", "off", "not read: a; b", "off", "", "a") == "off; not read: a; b; a"
    assert join_notes(join_notes("a; b", "c"), "a; b") == "a; b; c"


def test_a_failed_page_says_how_it_failed() -> None:
    """R1: also if its workers were killed before they could log a reason."""
    assert reason_of_failed_page(RequeueReason("HTTP 503", 5)) == (
        "its page failed 5 times, last: HTTP 503"
    )
    assert reason_of_failed_page(RequeueReason("HTTP 503", 2)) == (
        "its page failed 5 times, the last time without a reason;"
        " Lambda may have killed the worker; before that: HTTP 503"
    )
    assert reason_of_failed_page(None) == (
        "its page failed 5 times and no worker gave a reason; Lambda may have killed the workers"
    )
    assert reason_of_unfinished_page("hung; ended by the monitor", None) == (
        "its page was not finished: hung; ended by the monitor"
    )
    assert reason_of_unfinished_page(f"run {A} took over", RequeueReason("HTTP 503", 1)) == (
        "its page was not finished: run (id) took over, last: HTTP 503"
    )


def test_two_outcomes_of_a_page_keep_all_reasons_and_remarks() -> None:
    """R1: but nobody who is done has a reason."""
    first = PageOutcome(errored=(A, B), note="off", reasons={A: "first", B: "second"})
    later = PageOutcome(applied=(A,), skipped=(), note="not read", reasons={C: "third"})
    for one, other in permutations((first, later)):
        both = one | other
        assert both.reasons == {B: "second", C: "third"}
        assert set(both.note.split("; ")) == {"off", "not read"}


def test_an_unprocessed_mentor_and_an_error_without_reason_have_different_texts() -> None:
    """E7: every error has a reason."""
    outcome = PageOutcome(errored=(A, B), reasons={A: "HTTP 400", D: "late"})
    summary = summarise(RUN, [settle(RUN, Page(1, (A, B, C, D), outcome), {D: "skipped"})])
    assert summary.totals.errors == (
        ErrorGroup("HTTP 400", 1, A), ErrorGroup(UNNAMED, 1, C), ErrorGroup(NO_REASON, 1, B),
    )  # fmt: skip
    assert summary.skipped == (D,), "the data has spoken before the errors are grouped"


def test_a_run_with_errors_shows_its_groups(capsys: pytest.CaptureFixture[str]) -> None:
    """O3: ids can be copied. In a pipe, each reason is one line."""
    long = plain("its page failed " + "and failed " * 30)
    outcome = PageOutcome(errored=(A, B, C), reasons={A: long, B: "HTTP 400", C: "HTTP 400"})
    show_run(
        RUN,
        summarise(RUN, [settle(RUN, Page(1, (A, B, C), outcome))]),
        "mentor-pause runs X --json",
    )
    lines = capsys.readouterr().out.splitlines()
    place = lines.index("2 errors: HTTP 400")
    assert lines[place + 1].strip() == f"such as mentor {B}"
    assert lines[place + 2] == f"1 error: {long}"
    assert f"  such as mentor {A}" in lines
