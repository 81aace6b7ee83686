"""The request of `local fault`: a fault of single requests, or a manner that lasts."""

import difflib
from collections.abc import Sequence
from typing import TypeIs, cast, get_args

import click

from local.portal_manners import OF_NAMES, Fault, Manner

_FAULTS: tuple[str, ...] = get_args(Fault.__value__)
_MANNERS: tuple[str, ...] = get_args(Manner.__value__)
_COMMAND = "mentor-pause local fault"


def find_kind(text: str) -> str:
    """Return the fault or manner of that name; words may be joined by hyphens.

    Raises:
        click.BadParameter: there is none; the message names the nearest.
    """
    known = {name.replace("-", " "): name for name in (*_FAULTS, *_MANNERS)}
    wanted = text.replace("-", " ")
    if wanted in known:
        return known[wanted]
    near = difflib.get_close_matches(wanted, known)
    hint = (
        f"did you mean {near[0]!r}?"
        if near
        else f"faults: {', '.join(_FAULTS)}; manners: {', '.join(_MANNERS)}"
    )
    raise click.BadParameter(f"{text!r} is neither a fault nor a manner; {hint}", param_hint="KIND")


def is_fault(kind: str) -> TypeIs[Fault]:
    """Whether a kind is a fault, which has --times, and not a manner."""
    return kind in _FAULTS


def ask_for_fault(
    kind: Fault, times: int | None, on: bool | None, of: Sequence[str]
) -> list[Fault]:
    """Return the faults of the next requests.

    Raises:
        click.UsageError: an option does not go with a fault.
    """
    if on is not None or of:
        raise click.UsageError(
            "a fault has --times; --on, --off and --of are for manners. Type:"
            f" {_COMMAND} {kind} --times 1"
        )
    return [kind] * (1 if times is None else times)


def ask_for_manner(
    kind: str, times: int | None, on: bool | None, of: Sequence[str]
) -> tuple[Manner, bool]:
    """Return a manner, and whether it begins.

    Raises:
        click.UsageError: an option is missing, or does not go with the manner.
    """
    needs_names = kind in OF_NAMES
    example = f"{_COMMAND} {kind} --on" + (" --of NAME" if needs_names else "")
    if on is None or times is not None:
        raise click.UsageError(
            f"a manner has --on and --off; --times is for faults. Type: {example}"
        )
    if on and bool(of) != needs_names:
        raise click.UsageError(
            f"{' and '.join(OF_NAMES)} need --of; no other manner takes it. Type: {example}"
        )
    return cast("Manner", kind), on
