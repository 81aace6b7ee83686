"""Whatever goes wrong becomes one sentence with the next command, and an exit code (R6).

With `MENTOR_PAUSE_TRACEBACK` set, the traceback is above the sentence.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from cli import output
from cli.sentences import TRACEBACK, foreign_sentence, own_sentence
from local.errors import StackError
from mentor_pause.errors import MentorPauseError

FAILED, WRONG, INTERRUPTED = 1, 2, 130
EXIT_CODES = {
    0: "done",
    FAILED: "the run, or what was looked at, is not in order",
    WRONG: "wrong usage or setting, or a part does not answer",
    INTERRUPTED: "interrupted; a run that had begun goes on",
}


class NotInOrder(StackError):
    """The command did what it was asked for, and the result is not in order: exit code 1."""

    def __init__(self, sentence: str, **found: object) -> None:
        """`found` goes into the object that `--json` prints."""
        super().__init__(sentence)
        self.found = found


class Interrupted(Exception):
    """Somebody pressed Ctrl-C; the message says which work goes on."""

    def __init__(self, sentence: str, **found: object) -> None:
        """`found` goes into the object that `--json` prints."""
        super().__init__(sentence)
        self.found = found


def run_guarded(command: click.Command, arguments: Sequence[str]) -> int:
    """Run a command and return its exit code, whatever goes wrong.

    With `--json` a failure is an object on standard output too: `error` and `exit_code`.
    """
    try:
        code = command.main(list(arguments), prog_name="mentor-pause", standalone_mode=False)
    except BrokenPipeError:  # the reader of the pipe, such as `head`, has closed it
        _drop_output()
        return FAILED
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - no traceback at a person
        sentence, code = explain(error, _stack_in(arguments))
        try:
            _tell(error, sentence, code, arguments)
            sys.stdout.flush()
        except OSError:  # also the sentence cannot be written, for example onto a full disk
            _drop_output()
        return code
    return code if isinstance(code, int) else 0


def open_missing_outputs() -> None:
    """Lead an output that the caller has closed (`>&-`) to nowhere: the exit code still counts."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - open to the end


def _drop_output() -> None:
    """Drop what is buffered: Python would try to write it once more at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())


def _tell(error: BaseException, sentence: str, code: int, arguments: Sequence[str]) -> None:
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
    else:
        output.problem(sentence)
    if "--json" in arguments:
        found = error.found if isinstance(error, NotInOrder | Interrupted) else {}
        output.machine(found | {"error": sentence, "exit_code": code})


def explain(error: BaseException, stack_name: str | None = None) -> tuple[str, int]:
    """Return an error's sentence and the exit code; `stack_name` is what `--stack` names."""
    match error:
        case click.ClickException():
            return _usage_sentence(error), WRONG
        case Interrupted():
            return str(error), INTERRUPTED
        case KeyboardInterrupt() | click.Abort():
            return "interrupted", INTERRUPTED
        case NotInOrder():
            return str(error), FAILED
        case MentorPauseError() | StackError():
            return own_sentence(error, stack_name), WRONG
        case _:
            return foreign_sentence(error, stack_name), WRONG


def _usage_sentence(error: click.ClickException) -> str:
    """Say what is wrong with the words that were typed, and which command tells the right ones."""
    sentence = " ".join(error.format_message().split())
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None or "mentor-pause " in sentence:
        return sentence
    return f"{sentence}{'' if sentence[-1] in '.?' else '.'} See: {context.command_path} --help"


def _stack_in(arguments: Sequence[str]) -> str | None:
    """Return what `--stack` names among arguments, also where they could not be parsed."""
    for place, argument in enumerate(arguments):
        if argument.startswith("--stack="):
            return argument.removeprefix("--stack=")
        if argument == "--stack":
            return next(iter(arguments[place + 1 :]), None)
    return None
