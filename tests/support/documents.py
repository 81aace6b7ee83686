"""Reads the code blocks of the documents, and types them into one shell, as a reader would.

The info string of a block says how the block is tested. Its first word is the language:

* `sh walk=NAME`, `sql walk=NAME`: a test types the block, unchanged (`WALKS` names that test);
* `sh not-run: REASON`: no test can type it, and why;
* `mermaid`, `text`, `json`: nothing to type.
"""

import os
import re
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TYPED = frozenset({"sh", "sql", "python"})
SHOWN = frozenset({"mermaid", "text", "json"})
# Each walk, and the test that types its blocks.
WALKS: Mapping[str, str] = {
    "adopting": "tests/integration/supabase/adoption/test_adoption.py",
    "adopting-settings": ("tests/integration/supabase/adoption/test_adopted_contacts.py"),
    "adopting-push": "tests/integration/supabase/adoption/test_adopted_migrations.py",
    "brake": "tests/integration/supabase/test_brake_page.py",
    "command-line": "tests/e2e/test_command_line_runs.py",
    "contributing": "tests/e2e/test_contributing.py",
    "deployment": "tests/e2e/test_deployment_walk.py",
    "guided": "tests/e2e/test_deployment_walk.py",
    "guided-again": "tests/e2e/test_deployment_walk.py",
    "issued": "tests/e2e/test_deployment_walk.py",
    "mail": "tests/e2e/test_deployment_walk.py",
    "messages": "tests/integration/supabase/test_messages_page.py",
    "old-messages": "tests/integration/supabase/test_messages_page.py",
    "readme": "tests/e2e/test_documents.py",
    "repair": "tests/e2e/test_deployment_walk.py",
    "rollback": "tests/e2e/test_deployment_walk.py",
    "rotation": "tests/e2e/test_deployment_walk.py",
    "runbook": "tests/e2e/test_deployment_walk.py",
    "sam-local": "tests/e2e/test_sam_local.py",
    "uncertified": "tests/integration/supabase/test_uncertified.py",
    "upgrade": "tests/e2e/test_deployment_walk.py",
}
_SIGPIPE = 128 + signal.SIGPIPE
_STRICT = f"set -o pipefail; trap 'c=$?; [ $c -eq {_SIGPIPE} ] || return $c' ERR"
_LENIENT = "trap - ERR; set +o pipefail"
_INFO = re.compile(r"(?P<language>\w+)(?: walk=(?P<walk>[a-z-]+)| not-run: (?P<reason>.+))?")


@dataclass(frozen=True, slots=True)
class Block:
    """One code block. `place` is the page's path in the repository and the block's line."""

    place: str
    language: str
    text: str
    walk: str | None = None
    reason: str | None = None

    def says_how_it_is_tested(self) -> bool:
        """Whether the info string names a walk, a reason, or a language that is only shown."""
        if self.language in TYPED:
            return self.walk in WALKS or self.reason is not None
        return self.language in SHOWN


def read_blocks(page: Path) -> list[Block]:
    """Return the code blocks of a page, from top to bottom."""
    tokens = MarkdownIt().parse(page.read_text())
    return [
        _block(f"{page.relative_to(ROOT)}:{token.map[0] + 1}", token.info.strip(), token.content)
        for token in tokens
        if token.type == "fence" and token.map
    ]


def _block(place: str, info: str, text: str) -> Block:
    found = _INFO.fullmatch(info)
    if found is None:
        return Block(place, info, text)
    return Block(place, found["language"], text, found["walk"], found["reason"])


def walk(name: str, pages: Sequence[Path] = PAGES) -> list[Block]:
    """Return the blocks of one walk, in the order of pages and lines."""
    return [block for page in pages for block in read_blocks(page) if block.walk == name]


@dataclass(frozen=True, slots=True)
class Typed:
    """The result of a block: its exit status, and both outputs."""

    code: int
    out: str
    err: str

    @property
    def seen(self) -> str:
        """Both outputs together, as at a terminal."""
        return self.out + self.err


class Shell:
    """One bash, whose variables, functions and folder last from block to block.

    Use it with `contextlib.closing`.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str], scratch: Path) -> None:
        """Start bash in `folder`; `scratch` gets the scripts and their outputs."""
        self._scratch = scratch
        self._answers, answers = os.pipe()
        self._bash = subprocess.Popen(
            ["/bin/bash", "--noprofile", "--norc", "-s", str(answers)],
            cwd=folder, env=dict(environ), stdin=subprocess.PIPE, text=True, pass_fds=(answers,),
            start_new_session=True,
        )  # fmt: skip
        os.close(answers)

    def type(
        self, text: str, filled_in: Mapping[str, str] | None = None, seconds: float = 300
    ) -> Typed:
        """Type a block, and wait for its end. It ends at the first command that fails.

        A pipe fails if one of its commands does, except for one whose reader has had enough, as
        with `| head`. A block that is not done in time ends the shell, and all that it runs.

        `filled_in` gives the words that a page leaves to its reader, such as `JOB_RUN_ID`.
        """
        for word, value in (filled_in or {}).items():
            text = re.sub(rf"\b{word}\b", lambda _, value=value: value, text)
        script, out, err = (self._scratch / name for name in ("script", "out", "err"))
        script.write_text(f"{_STRICT}\n{text}\n")
        assert self._bash.stdin
        self._bash.stdin.write(
            f"source {script} >{out} 2>{err} </dev/null; code=$?; {_LENIENT}; echo $code >&$1\n"
        )
        self._bash.stdin.flush()
        try:
            answer = self._read_answer(seconds, text)
        except BaseException:
            os.killpg(self._bash.pid, signal.SIGKILL)
            raise
        if not answer:
            raise EOFError(f"the shell has ended: {err.read_text()}")
        code = int(answer)
        return Typed(0 if code == _SIGPIPE else code, out.read_text(), err.read_text())

    def _read_answer(self, seconds: float, text: str) -> bytes:
        if not select.select([self._answers], [], [], seconds)[0]:
            raise TimeoutError(f"not done after {seconds} s: {text}")
        return os.read(self._answers, 16)

    def close(self) -> None:
        """End bash."""
        assert self._bash.stdin
        self._bash.stdin.close()
        self._bash.wait()
        os.close(self._answers)
