"""A long wait says what it waits for, and ends well after Ctrl-C (O3)."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from threading import Event
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import pytest

from cli.failures import Interrupted
from cli.nightly import Night, prepare
from cli.runs import NotFinished, Progress, follow, redrive_request
from cli.show.progress import watch
from cli.stacks import Stack
from cli.start import finish, start
from cli.waiting import EVERY, reporting_steps, waiting
from local.errors import StackError
from mentor_pause.domain.runs import Run, Trigger

if TYPE_CHECKING:
    from local.stack import LocalStack

RUN = Run(
    Trigger("certification_expiry", UUID(int=1), "manual", "x", "x"), date(2026, 11, 26),
    pages_total=5, closed_through=2,
)  # fmt: skip
ID = RUN.job_run_id


class Clock:
    """Lets half-minutes pass at once, and then waits for the end."""

    def __init__(self, half_minutes: int) -> None:
        """`passed` is set after that."""
        self._left = half_minutes
        self.passed = Event()

    def __call__(self, ended: Event, seconds: float) -> bool:
        """Stand in for `Event.wait`."""
        assert seconds == EVERY
        if self._left:
            self._left -= 1
            return False
        self.passed.set()
        return ended.wait(10)


def test_every_half_minute_a_line_names_the_step(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On standard error."""
    clock = Clock(2)
    with waiting("waiting for the answer", clock):
        assert clock.passed.wait(10)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "after 30 s still waiting for the answer", "after 60 s still waiting for the answer",
    ]  # fmt: skip


def test_a_short_wait_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """It ends before the first line."""
    with waiting("waiting for the answer"):
        pass
    assert capsys.readouterr().err == ""


def test_a_line_repeats_the_newest_step(capsys: pytest.CaptureFixture[str]) -> None:
    """While the step takes long."""
    clock, begun = Clock(1), Event()
    with reporting_steps(lambda ended, s: begun.wait(10) and clock(ended, s)) as say_step:
        say_step("starting PostgreSQL")
        begun.set()
        assert clock.passed.wait(10)
    assert capsys.readouterr().err.splitlines() == [
        "starting PostgreSQL", "after 30 s still starting PostgreSQL",
    ]  # fmt: skip


def test_a_run_in_a_pipe_says_how_many_pages_are_closed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A pipe gets lines instead of a progress bar."""
    clock, seen = Clock(1), Event()

    def steps() -> Iterator[Progress]:
        yield Progress(RUN, 2, 5)
        seen.set()
        assert clock.passed.wait(10)

    assert watch(steps(), lambda ended, s: seen.wait(10) and clock(ended, s)) == RUN
    assert capsys.readouterr().err == (
        f"after 30 s still waiting for the workers: 2 of 5 pages of run {ID} are closed; if this"
        " number stops growing: mentor-pause monitor\n"
    )


class Ledger:
    """A ledger with one run. If wanted, a person presses Ctrl-C during the read."""

    def __init__(self, run: Run, *, pressed: bool = False) -> None:
        """`run` is the only run."""
        self._run, self._pressed = run, pressed

    def find_run(self, job_run_id: UUID) -> Run | None:
        """Return it."""
        if self._pressed:
            raise KeyboardInterrupt
        return self._run if job_run_id == self._run.job_run_id else None

    @property
    def closed(self) -> "Ledger":
        """The closed pages."""
        return self

    def count(self, run: Run) -> int:
        """Return how many are closed."""
        return run.closed_through


def stack_with(ledger: Ledger, name: str | None = None) -> Stack:
    """Return a stack that has only a ledger and a name."""
    named = cast("Any", SimpleNamespace(name=name))

    def command(words: str) -> str:
        return Stack.command(named, words)

    return cast("Stack", SimpleNamespace(ledger=lambda: ledger, command=command))


def test_ctrl_c_says_that_the_run_continues_and_how_to_attach() -> None:
    """With the stack's name, if it has one."""
    with pytest.raises(Interrupted) as raised:
        finish(stack_with(Ledger(RUN, pressed=True), "prod"), ID, as_json=True)
    again = f"mentor-pause runs {ID} --follow --stack prod"
    assert str(raised.value) == f"run {ID} continues; follow it again with: {again}"
    assert raised.value.details == {"job_run_id": str(ID)}


def test_the_end_of_the_waiting_time_says_how_to_attach() -> None:
    """Exit code 1; the run continues."""
    with pytest.raises(NotFinished) as raised:
        list(follow(stack_with(Ledger(RUN)), ID, 0))
    assert "and continues; follow it again with: mentor-pause runs" in str(raised.value)


def test_ctrl_c_during_the_request_names_the_run_that_may_have_begun() -> None:
    """Its id follows from the request."""

    def pressed(_event: object) -> dict[str, str]:
        raise KeyboardInterrupt

    stack = stack_with(Ledger(RUN))
    stack = cast(
        "Stack",
        SimpleNamespace(
            **vars(stack), org_id=RUN.trigger.org_id, invoke_dispatcher=pressed
        ),
    )  # fmt: skip
    event = {"job_name": "certification_expiry", "trigger_id": "x", "dry_run": False}
    with pytest.raises(Interrupted, match=f"mentor-pause runs {ID}") as raised:
        start(stack, event, wait=True, as_json=False)
    assert raised.value.details == {"job_run_id": str(ID)}


def test_ctrl_c_before_the_run_of_a_night_says_what_is_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The command had announced that it wipes the data."""

    class Pressed:
        """A local stack during whose wiping a person presses Ctrl-C."""

        def alone(self, _tell: object) -> AbstractContextManager[None]:
            """Take the lock."""
            return nullcontext()

        def reset(self, _tell: object) -> None:
            """Raise the interrupt."""
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="Start again with: mentor-pause nightly"):
        prepare(cast("LocalStack", Pressed()), Night(5, 1))
    assert capsys.readouterr().err == "wiping the local stack\n"


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        (RUN, f"run {ID} is in progress"),
        (Run(RUN.trigger, RUN.as_of, status="completed", errors=()), f"run {ID} has no errors"),
        (
            Run(Trigger("hlf_sync", UUID(int=1), "manual", "x", "x"), RUN.as_of),
            "the ledger has no run",
        ),
    ],
)
def test_a_redrive_needs_a_run_with_errors(run: Run, sentence: str) -> None:
    """The sentence has the next command."""
    with pytest.raises(StackError) as raised:
        redrive_request(stack_with(Ledger(run)), ID)
    assert str(raised.value).startswith(sentence)
    assert "mentor-pause runs" in str(raised.value)
