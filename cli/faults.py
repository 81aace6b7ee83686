"""The arguments of `local fault`: a fault of single requests, or a lasting manner."""

import difflib
from collections.abc import Sequence
from typing import TypeIs, cast, get_args

import click

from local.portal_manners import OF_NAMES, Fault, Manner

FAULTS: tuple[str, ...] = get_args(Fault.__value__)
MANNERS: tuple[str, ...] = get_args(Manner.__value__)
_NEAR = 0.75
"""How similar a word must be to be suggested: "nonsense" must not suggest "none"."""
_COMMAND = "mentor-pause local fault"


def find_kind(text: str) -> str:
    """Return the fault or manner with that name; hyphens may replace spaces.

    Raises:
        click.BadParameter: the name is unknown; the message suggests the nearest one.
    """
    known = {name.replace("-", " "): name for name in (*FAULTS, *MANNERS)}
    wanted = text.replace("-", " ")
    if wanted in known:
        return known[wanted]
    near = difflib.get_close_matches(wanted, known, cutoff=_NEAR)
    hint = (
        f"did you mean {near[0]!r}?"
        if near
        else f"faults: {', '.join(FAULTS)}; manners: {', '.join(MANNERS)}"
    )
    problem = f"{text!r} is neither a fault nor a manner" if text else "name a fault or a manner"
    raise click.BadParameter(f"{problem}; {hint}", param_hint="KIND")


def is_fault(kind: str) -> TypeIs[Fault]:
    """Whether a kind is a fault (it has --times) and not a manner."""
    return kind in FAULTS


def parse_fault(kind: Fault, times: int | None, on: bool | None, of: Sequence[str]) -> list[Fault]:
    """Return the faults of the next requests.

    Raises:
        click.UsageError: an option does not go with a fault.
    """
    if on is not None or of:
        raise click.UsageError(
            "a fault takes --times; --on, --off and --of are for manners. Type:"
            f" {_COMMAND} {kind} --times 1"
        )
    return [kind] * (1 if times is None else times)


def parse_manner(
    kind: str, times: int | None, on: bool | None, of: Sequence[str]
) -> tuple[Manner, bool]:
    """Return a manner, and whether to switch it on.

    Raises:
        click.UsageError: an option is missing, or does not go with the manner.
    """
    needs_names = kind in OF_NAMES
    example = f"{_COMMAND} {kind} --on" + (" --of NAME" if needs_names else "")
    if on is None or times is not None:
        raise click.UsageError(
            f"a manner takes --on or --off; --times is for faults. Type: {example}"
        )
    if on and bool(of) != needs_names:
        raise click.UsageError(
            f"only {' and '.join(OF_NAMES)} take --of, and they need it. Type: {example}"
        )
    return cast("Manner", kind), on


def describe_faults(faults: Sequence[Fault]) -> str:
    """Describe the effect on the next requests."""
    if not faults or faults[0] == "none":
        return "no faults; manners last until --off"
    return f"the next {f'{len(faults)} requests' if len(faults) > 1 else 'request'}: {faults[0]}"


def describe_manner(manner: Manner, of: Sequence[str], *, is_on: bool) -> str:
    """Say whether a manner is on now, and for which names."""
    return f"{manner}: {'on' if is_on else 'off'}" + (f", for {', '.join(of)}" if of else "")
