"""Runs a program in a terminal, and answers its questions."""

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_QUESTION = re.compile(r"([^\n]*[\]?:]) ?$")


@dataclass(frozen=True, slots=True)
class Conversation:
    """The exit status, what was asked, and all that the terminal showed."""

    code: int
    asked: list[str]
    shown: str


def converse(
    command: str,
    folder: Path,
    environ: Mapping[str, str],
    answer: Callable[[str], str | None],
    seconds: float = 120,
) -> Conversation:
    """Run a command; `answer` gives the text for a question, None for a line that is none."""
    ours, theirs = pty.openpty()
    program = subprocess.Popen(
        ["/bin/bash", "-c", command], cwd=folder, env=dict(environ),
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    shown, asked, answered = "", list[str](), 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if select.select([ours], [], [], 0.1)[0]:
            if not (read := _read(ours)):
                break
            shown += read
        elif (question := _QUESTION.search(_ANSI.sub("", shown[answered:]))) is not None and (
            text := answer(question[1])
        ) is not None:
            asked.append(question[1].strip())
            answered = len(shown)
            os.write(ours, f"{text}\n".encode())
    os.close(ours)
    if time.monotonic() >= until:
        program.kill()
    return Conversation(program.wait(), asked, shown)


def _read(terminal: int) -> str:
    try:
        return os.read(terminal, 65536).decode(errors="replace").replace("\r\n", "\n")
    except OSError:  # the program has ended
        return ""
