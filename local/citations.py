"""Writes below each requirement where it is cited: `python -m local.citations`.

The text in docs/requirements.md is written by hand. The lines `Done in`, `Tested in` and `Decided
in` come from the citations in the repository's files, so nobody has to keep them up to date.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/requirements.md"
PLACES = (
    "layers", "functions", "supabase", "template.yaml", "cli", "local", "bench", ".github",
    "Makefile", "README.md", "CHANGELOG.md", "events", "docs", "tests",
)  # fmt: skip
"""Files and folders that may cite requirements, in the order of the page."""
LINES = ("Done in", "Tested in", "Decided in")
NOT_BUILT = "*Not built yet.*"

_SUFFIXES = frozenset({".py", ".sql", ".md", ".yaml", ".yml", ".sh", ".mjs", ""})
# The page itself, and the test of this module, whose ids are examples.
_NOT_READ = frozenset({"docs/requirements.md", "tests/unit/repository/test_requirements.py"})
_CITATION = re.compile(r"(?<![\w-])([CDEGHORSW])(\d{1,2})(?:(?:-| to )\1(\d{1,2}))?(?!\w)")
_AMAZON_S3 = re.compile(r"Amazon S3|an S3 event|\"S3\":")
_HEADING = re.compile(r"^### (\w+)$", re.MULTILINE)

type Citations = Mapping[str, list[str]]
"""The files that cite each requirement, as paths in the repository."""


def find_ids(text: str) -> set[str]:
    """Return the ids that a text cites. `E2-E4` cites E3 as well."""
    return {
        f"{group}{number}"
        for group, first, last in _CITATION.findall(_AMAZON_S3.sub("", text))
        for number in range(int(first), int(last or first) + 1)
    }


def read_citations(root: Path = ROOT) -> Citations:
    """Return where each id is cited, in the order of `PLACES`."""
    cited: dict[str, list[str]] = {}
    for file in _files(root):
        for requirement in find_ids(file.read_text()):
            cited.setdefault(requirement, []).append(file.relative_to(root).as_posix())
    return cited


def read_texts(page: str) -> dict[str, str]:
    """Return the text of each requirement on the page, without the lines of `LINES`."""
    parts = _HEADING.split(page)[1:]
    return {
        name: _without_lines(text.split("\n## ")[0]).strip()
        for name, text in zip(parts[::2], parts[1::2], strict=True)
    }


def draw(page: str, cited: Citations) -> str:
    """Return the page with its lines as the citations have them."""
    first, *parts = _HEADING.split(page)
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        body, separator, rest = text.partition("\n## ")
        lines = "".join(f"\n{line}\n" for line in _lines(cited.get(name, [])))
        ending = f"{separator}{rest}" if separator else ""
        first += f"### {name}\n\n{_without_lines(body).strip()}\n{lines}\n{ending.lstrip()}"
    return f"{first.rstrip()}\n"


def find_faults(page: str, cited: Citations) -> list[str]:
    """Return a sentence for each id that is cited or explained wrongly."""
    texts = read_texts(page)
    faults = [
        f"{', '.join(files)}: cites {name}, which docs/requirements.md does not explain"
        for name, files in sorted(cited.items())
        if name not in texts
    ]
    for name, text in texts.items():
        code = [file for file in cited.get(name, []) if _line_of(file) in LINES[:2]]
        if text.startswith(NOT_BUILT) and code:
            faults.append(f"{name} is marked as not built, but {', '.join(code)} cites it")
        if not text.startswith(NOT_BUILT) and not code:
            faults.append(f"{name} is explained, but no code and no test cites it")
        if not text.removeprefix(NOT_BUILT).strip():
            faults.append(f"{name} has no text")
    return faults


def _files(root: Path) -> Iterator[Path]:
    for place in PLACES:
        path = root / place
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            name = file.relative_to(root).as_posix()
            if file.is_file() and file.suffix in _SUFFIXES and name not in _NOT_READ:
                yield file


def _line_of(file: str) -> str | None:
    """Return the line that names a file; None for a file that only mentions requirements."""
    if file.startswith("supabase/tests/") or Path(file).name.startswith("test_"):
        return "Tested in"
    if file.startswith("docs/decisions/"):
        return "Decided in"
    # Pages and the tests' helpers only mention ids; migrations repeat the text of supabase/schemas.
    is_mention = file.endswith(".md") or file.startswith(("tests/", "supabase/migrations/"))
    return None if is_mention else "Done in"


def _lines(files: list[str]) -> Iterator[str]:
    for line in LINES:
        named = [file for file in files if _line_of(file) == line]
        if named:
            yield f"**{line}** {', '.join(map(_link, named))}"


def _link(file: str) -> str:
    label = re.sub(r"^(layers/shared/|tests/|docs/decisions/)|\.py$", "", file)
    label = re.sub(r"^(\d{4})-.*", r"\1", label)
    return f"[{label}](../{file})".replace("../docs/", "")


def _without_lines(text: str) -> str:
    names = "|".join(LINES)
    return re.sub(rf"^\*\*(?:{names})\*\* .*\n+", "", text, flags=re.MULTILINE)


def main() -> None:
    """Write the page's lines again."""
    PAGE.write_text(draw(PAGE.read_text(), read_citations()))


if __name__ == "__main__":
    main()
