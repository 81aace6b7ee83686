"""Messages are shown in plain words, without a name and without an address (W5, W7)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

import pytest

from cli.show.messages import show_figures, show_messages
from local.places import ROOT
from mentor_pause.database.client import Message, MessageFigures
from mentor_pause.database.message_results import Audience, MessageKind, MessageState

PERSON = UUID("7e0c1b52-4a53-4b0e-9d4e-2f6a1c3b5d70")
QUIET = MessageFigures(
    undelivered_count=0, bounced_count=0, complained_count=0, unknown_count=0, no_address_count=0
)


def message(**more: Any) -> Message:
    """Return a message to a coordinator about three mentors."""
    moment = datetime(2026, 11, 26, 2, 0, 9, tzinfo=UTC)
    row: dict[str, Any] = {
        "id": 7, "audience": "coordinator", "person_id": PERSON, "kind": "warning",
        "mentor_count": 3, "state": "pending", "reason": None, "created_at": moment,
        "due_at": moment, "changed_at": None,
    }  # fmt: skip
    return Message.model_construct(None, **(row | more))


def lines_of(
    capsys: pytest.CaptureFixture[str], found: Sequence[Message], *, undelivered: bool = False
) -> list[str]:
    """Show messages, and return the lines."""
    show_messages(found, undelivered=undelivered)
    return capsys.readouterr().out.splitlines()


def test_a_message_fits_eighty_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says to whom, about what, how many mentors, when, and how far it has come."""
    monkeypatch.setenv("COLUMNS", "80")
    assert lines_of(capsys, [message()]) == [
        f"{PERSON}  waiting to be sent",
        "  coordinator, certification expires, 3 mentors",
        "  written (UTC) 2026-11-26 02:00:09",
    ]


def test_the_reason_of_a_bounce_stands_below_the_message(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wide terminal shows a table."""
    monkeypatch.setenv("COLUMNS", "200")
    bounced = message(state="bounced", reason="General", audience="mentor", mentor_count=1)
    heading, row, reason = lines_of(capsys, [bounced])
    assert heading.split() == ["person", "state", "to", "about", "mentors", "written", "(UTC)"]
    assert row.split("  ")[1:4] == ["bounced", "mentor", "certification expires"]
    assert "  1 mentor  " in row
    assert reason == "  General"


@pytest.mark.parametrize(
    ("member", "values"),
    [
        ("state", get_args(MessageState.__value__)),
        ("audience", get_args(Audience.__value__)),
        ("kind", get_args(MessageKind.__value__)),
    ],
)
def test_every_value_has_words(
    member: str, values: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing that the database may return is left without a word, and no two share one."""
    shown = {"\n".join(lines_of(capsys, [message(**{member: value})])) for value in values}
    assert len(shown) == len(values) > 1
    assert not any("_" in text for text in shown)


def test_no_message_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty table would be unclear."""
    assert lines_of(capsys, []) == ["no messages"]
    assert lines_of(capsys, [], undelivered=True) == ["no undelivered messages"]


def figures_shown(
    capsys: pytest.CaptureFixture[str],
    counts: Mapping[str, int],
    *,
    sends: bool = True,
    command: str | None = None,
) -> list[str]:
    """Show figures that are 0 except for these counts, and return the lines."""
    show_figures(QUIET.model_copy(update=counts), sends=sends, command=command)
    return capsys.readouterr().out.splitlines()


def test_one_line_holds_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    """W7: a quiet day needs nothing more."""
    (quiet,) = figures_shown(capsys, {})
    assert quiet == (
        "0 messages waiting for more than an hour, 0 without an address;"
        " e-mails of the last 24 hours: 0 bounced or suppressed, 0 marked as spam, 0 unknown"
    )
    for place, name in enumerate(QUIET.model_dump()):
        assert str(11 + place) in figures_shown(capsys, {name: 11 + place})[0]


@pytest.mark.parametrize(
    ("counts", "sections"),
    [
        ({"undelivered_count": 1}, ["undeliveredmessagesalarm"]),
        ({"bounced_count": 1}, ["bounceddigestsalarm"]),
        ({"complained_count": 1}, ["bounceddigestsalarm"]),
        ({"unknown_count": 1}, ["e-mails-of-unknown-state"]),
        ({"no_address_count": 1}, []),
        (
            {"undelivered_count": 1, "bounced_count": 1, "complained_count": 1},
            ["undeliveredmessagesalarm", "bounceddigestsalarm"],
        ),
    ],
)
def test_each_figure_names_its_section_of_the_runbook(
    counts: dict[str, int], sections: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """W7: a missing address is the coordinators' work, not the operator's."""
    steps = figures_shown(capsys, counts)[1:]
    assert steps == [f"next: docs/runbook.md#{section} says what to do" for section in sections]
    headings = [
        line.removeprefix("## ").lower().replace(" ", "-")
        for line in (ROOT / "docs/runbook.md").read_text().splitlines()
        if line.startswith("## ")
    ]
    assert set(sections) <= set(headings)
    listed = figures_shown(capsys, counts, command="COMMAND")[1:]
    assert listed == (["next: COMMAND"] if sections else [])


def test_messages_that_wait_for_a_sender_need_a_sender(capsys: pytest.CaptureFixture[str]) -> None:
    """W4: without one there is no alarm, and the runbook has nothing to say."""
    assert figures_shown(capsys, {"undelivered_count": 3}, sends=False, command="COMMAND")[1:] == [
        "no sender is set, so no message is sent; see docs/deployment.md#e-mail"
    ]
