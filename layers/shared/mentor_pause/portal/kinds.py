"""Whether a column is of the kind that the mapping needs, for the preflight (H2)."""

from collections.abc import Callable

from mentor_pause.portal.definitions import Column, Definitions, Mismatch, Table

type Kind = Callable[[Definitions, Table, Column], None]
"""Raises `Mismatch` if a column is of another kind."""

LONGEST_REASON = 63
"""Characters of a reason code, at the most (the database's transition rule)."""


def anything(_: Definitions, __: Table, ___: Column) -> None:
    """Accept every kind."""


def text(_: Definitions, table: Table, column: Column) -> None:
    """Accept a text of one line."""
    _assert_kind(table, column, ("String",), "a text column (single line)")


def choice(_: Definitions, table: Table, column: Column) -> None:
    """Accept a choice."""
    _assert_kind(
        table, column, ("Picklist",), "a choice column, since the mapping has values for it"
    )


def primary_id(_: Definitions, table: Table, column: Column) -> None:
    """Accept the table's primary key."""
    if column.name != table.primary_id:
        raise Mismatch(
            f"it is not the table's primary key: the mapping has to name {table.primary_id}"
        )


def day(definitions: Definitions, table: Table, column: Column) -> None:
    """Accept a date whose behaviour has no time; its format only matters in forms."""
    _assert_kind(table, column, ("DateTime",), "a date column with the behavior Date only")
    behavior, form = definitions.behavior(table, column.name)
    if behavior == "DateOnly":
        return
    why = ", though its format is Date only" if form == "DateOnly" else ""
    raise Mismatch(
        f"its values have a time (behavior {behavior}){why}: HLF has to set its behavior, or time "
        "zone adjustment, to Date only; if the portal does not allow that, HLF has to add a new "
        f"column with this behavior ({table.place} > Columns > {column.name} > Advanced options)"
    )


def reason(definitions: Definitions, table: Table, column: Column) -> None:
    """Accept a text that is long enough for every reason code."""
    if column.kind == "Picklist":
        raise Mismatch(
            "it is a choice column, and the mapping writes text: the mapping needs reason_values, "
            "with the choice for each reason"
        )
    _assert_kind(table, column, ("String", "Memo"), "a text column, or a choice with reason_values")
    if (longest := definitions.longest(table, column)) < LONGEST_REASON:
        raise Mismatch(
            f"it takes {longest} characters, and a reason may have {LONGEST_REASON}: HLF has to "
            f"raise its maximum ({table.place} > Columns > {column.name} > Advanced options)"
        )


def _assert_kind(table: Table, column: Column, kinds: tuple[str, ...], due: str) -> None:
    if column.kind in kinds:
        return
    lookup = ", filled with what the lookup refers to" if column.is_lookup else ""
    raise Mismatch(
        f"it is {column.words}, and the sync needs {due}: HLF has to add such a column{lookup}, or "
        f"the mapping has to name another ({table.place} > Columns)"
    )
