"""The command line inside the test's process, as `main` runs it: quicker than a process each."""

import io
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple, override

from cli.failures import run_guarded
from cli.main import cli


class Typed(NamedTuple):
    """What came of a command."""

    returncode: int
    stdout: str
    stderr: str


class Terminal(io.StringIO):
    """Standard output or standard error of somebody who sits at a terminal."""

    @override
    def isatty(self) -> bool:
        return True


def type_command(*arguments: str) -> Typed:
    """Run a command whose output goes into pipes."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = run_guarded(cli, arguments)
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
    return Typed(code, out.getvalue(), err.getvalue())
