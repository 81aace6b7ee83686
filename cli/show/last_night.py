"""Shows a night on one screen: at most 24 lines of 80 columns (G7)."""

from collections.abc import Sequence
from datetime import date

from cli.output import headline, result
from cli.troubles import Fact

LINES, COLUMNS = 24, 80
_NAME = 12
"""The columns of a fact's name, and of the mark of a trouble."""
_INDENT = "  "


def show_facts(as_of: date, facts: Sequence[Fact], more: str) -> None:
    """Show the facts of a night; `more` is the command that prints all of them as JSON.

    If they do not fit, facts that need nobody are left out, the last ones first. The headline
    counts the troubles, and a last line says how many of them are not shown.
    """
    title, *lines = screen(as_of, facts, more)
    headline(title)
    for line in lines:
        result(line, is_bad=line[_NAME - 2 : _NAME - 1] == "!")


def screen(as_of: date, facts: Sequence[Fact], more: str) -> list[str]:
    """Return the lines of the screen."""
    troubles = [fact for fact in facts if fact.is_trouble]
    count = f"{len(troubles)} trouble{'s' * (len(troubles) != 1)}" if troubles else "all is well"
    title = f"last night, {as_of}: {count}"
    left = list(facts)
    while _height(left) > LINES - 1 and len(left) > len(troubles):
        left.remove([fact for fact in left if not fact.is_trouble][-1])
    if _height(left) <= LINES - 1:
        return [title, *(line for fact in left for line in _lines(fact))]
    shown: list[Fact] = []
    while _height([*shown, left[0]]) <= LINES - 1 - len(_rest(0, more)):
        shown.append(left.pop(0))
    return [title, *(line for fact in shown for line in _lines(fact)), *_rest(len(left), more)]


def _rest(count: int, more: str) -> list[str]:
    return [f"and {count} more troubles:", *_continued(more)]


def _height(facts: Sequence[Fact]) -> int:
    return sum(len(_lines(fact)) for fact in facts)


def _lines(fact: Fact) -> list[str]:
    mark = "! " if fact.is_trouble else "  "
    name = fact.what.ljust(_NAME - len(mark)) + mark
    commands = [command for command in (fact.look, fact.step) if command]
    return [
        _cut(name + " ".join(fact.text.split())),
        *(line for command in commands for line in _continued(command)),
    ]


def _cut(text: str) -> str:
    return text if len(text) <= COLUMNS else f"{text[: COLUMNS - 3]}..."


def _continued(command: str) -> list[str]:
    """Break a command before an option, as a shell accepts it; a word is never cut."""
    first, *options = command.split(" --")
    lines = [_INDENT + first]
    for number, option in enumerate(options, 1):
        room = COLUMNS - len(" \\") * (number < len(options))
        if len(f"{lines[-1]} --{option}") <= room:
            lines[-1] += f" --{option}"
        else:
            lines[-1] += " \\"
            lines.append(f"{_INDENT * 2}--{option}")
    return lines
