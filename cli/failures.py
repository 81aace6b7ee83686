"""Turns every failure into one sentence with the next command, and an exit code (R6).

If `MENTOR_PAUSE_TRACEBACK` is set, the traceback comes before the sentence.
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
    FAILED: "the command found a problem, or the run has errors",
    WRONG: "wrong usage or setting, or a service did not answer",
    INTERRUPTED: "interrupted; a run that has started continues",
}


class NotInOrder(StackError):
    """The command worked, but its result is a problem: exit code 1."""

    def __init__(self, sentence: str, **details: object) -> None:
        """`details` are members of the object that `--json` prints."""
        super().__init__(sentence)
        self.details = details


class Interrupted(Exception):
    """The user pressed Ctrl-C; the message says which work continues."""

    def __init__(self, sentence: str, **details: object) -> None:
        """`details` are members of the object that `--json` prints."""
        super().__init__(sentence)
        self.details = details


def run_guarded(command: click.Command, arguments: Sequence[str]) -> int:
    """Run a command and return its exit code; no exception leaves this function.

    With `--json` a failure also prints an object with `error` and `exit_code`.
    """
    try:
        code = command.main(list(arguments), prog_name="mentor-pause", standalone_mode=False)
    except BrokenPipeError:  # the program that reads our output, such as `head`, has ended
        _drop_output()
        return FAILED
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - people get a sentence, not a traceback
        sentence, code = explain(error, _stack_in(arguments))
        try:
            _report(error, sentence, code, arguments)
            sys.stdout.flush()
        except (
            OSError
        ):  # the sentence cannot be written either, for example because the disk is full
            _drop_output()
        return code
    return code if isinstance(code, int) else 0


def open_missing_outputs() -> None:
    """Open an output that the caller has closed (`>&-`) as `/dev/null`."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - stays open


def _drop_output() -> None:
    """Discard buffered output: Python would try to write it again when it exits."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())


def _report(error: BaseException, sentence: str, code: int, arguments: Sequence[str]) -> None:
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
    else:
        output.problem(sentence)
    if "--json" in arguments:
        details = error.details if isinstance(error, NotInOrder | Interrupted) else {}
        output.machine(details | {"error": sentence, "exit_code": code})


def explain(error: BaseException, stack_name: str | None = None) -> tuple[str, int]:
    """Return an error's sentence and the exit code; `stack_name` is the value of `--stack`."""
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
    """Explain what is wrong with the arguments, and name the command's help."""
    sentence = " ".join(error.format_message().split())
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None or "mentor-pause " in sentence:
        return sentence
    return f"{sentence}{'' if sentence[-1] in '.?' else '.'} See: {context.command_path} --help"


def _stack_in(arguments: Sequence[str]) -> str | None:
    """Return the value of `--stack`, also if the arguments could not be parsed."""
    for place, argument in enumerate(arguments):
        if argument.startswith("--stack="):
            return argument.removeprefix("--stack=")
        if argument == "--stack":
            return next(iter(arguments[place + 1 :]), None)
    return None
