"""The request of `local fault`: a fault of single requests, or a manner that lasts."""

import difflib
from collections.abc import Sequence
from typing import TypeIs, cast, get_args

import click

from local.portal_manners import OF_NAMES, Fault, Manner

FAULTS: tuple[str, ...] = get_args(Fault.__value__)
MANNERS: tuple[str, ...] = get_args(Manner.__value__)
_NEAR = 0.75
"""How like a word has to be for a guess: "nonsense" is no "none"."""
_COMMAND = "mentor-pause local fault"


def find_kind(text: str) -> str:
    """Return the fault or manner of that name; words may be joined by hyphens.

    Raises:
        click.BadParameter: there is none; the message names the nearest.
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
    wrong = f"{text!r} is neither a fault nor a manner" if text else "name a fault or a manner"
    raise click.BadParameter(f"{wrong}; {hint}", param_hint="KIND")


def is_fault(kind: str) -> TypeIs[Fault]:
    """Whether a kind is a fault, which has --times, and not a manner."""
    return kind in FAULTS


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


def tell_faults(faults: Sequence[Fault]) -> str:
    """Say what the next requests get."""
    if not faults or faults[0] == "none":
        return "no fault any more; manners last until --off"
    return f"the next {f'{len(faults)} requests' if len(faults) > 1 else 'request'}: {faults[0]}"


def tell_manner(manner: Manner, of: Sequence[str], *, begins: bool) -> str:
    """Say whether a manner is on now, and of what."""
    return f"{manner}: {'on' if begins else 'off'}" + (f", of {', '.join(of)}" if of else "")
