"""The documents name commands and places that exist, in words that their readers know."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import pytest

from cli.main import cli
from local import database_errors
from local.places import ROOT
from local.template import load_template

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "tests/README.md"])
_COMMAND = re.compile(r"mentor-pause ((?:[a-z][a-z-]* ?)+)((?:[^`\n|#]|\\\n)*)")


def commands_in(text: str) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the words and the options of each of our commands in code."""
    code = [*re.findall(r"```\n(.*?)```", text, re.DOTALL), *re.findall(r"`([^`\n]+)`", text)]
    for block in code:
        for words, rest in _COMMAND.findall(block):
            yield words.split(), re.findall(r"(?<!\S)--[a-z-]+", rest)


def resolve(words: list[str]) -> click.Command:
    """Return a command by its words; further words are arguments."""
    found: click.Command = cli
    for word in words:
        if not isinstance(found, click.Group):
            break
        assert word in found.commands, f"there is no command {word!r}"
        found = found.commands[word]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_command_that_a_page_names_exists_with_its_options(page: Path) -> None:
    """A person who reads the page at night needs working commands."""
    for words, options in commands_in(page.read_text()):
        found = resolve(words)
        known = {o for p in found.params for o in (*p.opts, *p.secondary_opts)} | {
            "--help",
            "--version",
        }
        assert set(options) <= known, (words, options)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_link_leads_somewhere(page: Path) -> None:
    """To a file, and to a heading in it."""
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text()):
        file, _, heading = target.partition("#")
        place = (page.parent / file).resolve() if file else page
        assert place.exists(), target
        headings = re.findall(r"^#+ (.+)$", place.read_text(), re.MULTILINE) if heading else []
        assert not heading or heading in {h.lower().replace(" ", "-") for h in headings}, target


def test_every_line_of_the_smoke_test_is_a_command_with_what_it_says() -> None:
    """O6: each line has a command, an arrow and the output."""
    lines = re.findall(r"^- \[ \] (.*)$", (ROOT / "docs/smoke-test.md").read_text(), re.MULTILINE)
    assert len(lines) > 20
    for line in lines:
        assert re.match(r"`[^`]+` → .+", line), line


@pytest.mark.parametrize("page", ["recovery", "held-pauses"])
@pytest.mark.parametrize("language", ["en", "no"])
def test_coordinators_read_one_page_without_words_of_the_trade(page: str, language: str) -> None:
    """O4: no cloud knowledge is assumed."""
    text = (ROOT / f"docs/{page}.{language}.md").read_text()
    trade = "AWS|Lambda|cloud|skyen|queue|kø|database|log|server|deploy|API|HTTP|SQL|cron|alarm"
    assert re.findall(rf"\b(?:{trade})(?:s|er|en)?\b", text, re.IGNORECASE) == []
    assert len(text.split()) < 600
    assert [len(part.splitlines()) for part in re.split(r"\n## ", text)][1:] != []


@pytest.mark.parametrize(("page", "least"), [("recovery", 10), ("held-pauses", 5)])
def test_both_languages_say_the_same_in_the_same_order(page: str, least: int) -> None:
    """They have the same number of steps, rows and points."""
    shapes = []
    for language in ("en", "no"):
        text = (ROOT / f"docs/{page}.{language}.md").read_text()
        shapes.append([line[:3] for line in text.splitlines() if line[:2] in ("##", "* ", "| ")])
    assert [s[0] for s in map(str, shapes[0])] == [s[0] for s in map(str, shapes[1])]
    assert len(shapes[0]) == len(shapes[1]) > least


def test_the_page_of_database_errors_is_the_table() -> None:
    """R3: `make schema` writes it."""
    assert (ROOT / "docs/database-errors.md").read_text() == database_errors.draw()


def test_coordinators_read_when_the_nightly_check_starts() -> None:
    """The rule runs in UTC, so the hour in Norway differs between winter and summer."""
    rule = load_template()["Resources"]["CertificationExpiryRule"]["Properties"]
    minute, hour = map(int, rule["ScheduleExpression"].removeprefix("cron(").split()[:2])
    starts = [datetime(2026, month, 1, hour, minute, tzinfo=UTC) for month in (1, 7)]
    winter, summer = (moment.astimezone(ZoneInfo("Europe/Oslo")).hour for moment in starts)
    assert f"between {_EN[winter]} and {_EN[winter + 1]} in the morning in winter" in _page("en")
    assert f"between {_EN[summer]} and {_EN[summer + 1]} in summer" in _page("en")
    assert f"mellom klokken {_NO[winter]} og {_NO[winter + 1]} om vinteren" in _page("no")
    assert f"mellom {_NO[summer]} og {_NO[summer + 1]} om sommeren" in _page("no")


_EN = {3: "three", 4: "four", 5: "five"}
_NO = {3: "tre", 4: "fire", 5: "fem"}


def _page(language: str) -> str:
    return " ".join((ROOT / f"docs/recovery.{language}.md").read_text().split())
