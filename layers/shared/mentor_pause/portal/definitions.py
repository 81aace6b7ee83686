"""Reads how the portal defines its tables and columns, for the preflight (H2).

Source: Microsoft's documentation of the Dataverse Web API ("Query table definitions",
"AttributeMetadata", "DateTimeAttributeMetadata", "EntityKeyMetadata").
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from mentor_pause.errors import PortalError
from mentor_pause.portal.requests import Requests

_METADATA = "Microsoft.Dynamics.CRM"
_LOOKUPS = ("Lookup", "Customer", "Owner")
_KINDS = {
    "String": "a text column",
    "Memo": "a text column of several lines",
    "Picklist": "a choice column",
    "State": "the row's own state",
    "Status": "the row's own status reason",
    "DateTime": "a date column",
    "Boolean": "a Yes/No column",
    "Integer": "a column of whole numbers",
    "BigInt": "a column of whole numbers",
    "Decimal": "a column of decimal numbers",
    "Double": "a column of decimal numbers",
    "Money": "a currency column",
    "Uniqueidentifier": "a unique identifier",
}


class Mismatch(Exception):
    """The portal is not as the mapping says; the message says how HLF can correct it."""


@dataclass(frozen=True, slots=True)
class Column:
    """How a column is defined."""

    name: str
    kind: str
    """Dataverse's `AttributeType`."""
    id: str
    is_secured: bool
    is_writable: bool

    @property
    def is_lookup(self) -> bool:
        """Whether it refers to a row of another table."""
        return self.kind in _LOOKUPS

    @property
    def words(self) -> str:
        """Its kind, for people."""
        if self.is_lookup:
            return "a lookup"
        return _KINDS.get(self.kind, "a column of another kind")


@dataclass(frozen=True, slots=True)
class Table:
    """How a table is defined."""

    name: str
    """Its logical name."""
    schema_name: str
    primary_id: str

    @property
    def place(self) -> str:
        """Where people change it."""
        return f"Power Apps > Tables > {self.name}"


@dataclass(frozen=True, slots=True)
class Definitions:
    """The portal's definitions; every method may raise what `Requests.read` raises."""

    requests: Requests

    def table(self, entity_set: str) -> Table:
        """Return the table of an entity set.

        Raises:
            Mismatch: the portal has no such table.
        """
        rows = self.requests.read(
            "EntityDefinitions?$select=LogicalName,SchemaName,PrimaryIdAttribute"
            f"&$filter=EntitySetName eq '{entity_set}'"
        )["value"]
        if not rows:
            raise Mismatch(self._why_missing(entity_set))
        names = ("LogicalName", "SchemaName", "PrimaryIdAttribute")
        return Table(*(str(rows[0][name]) for name in names))

    def _why_missing(self, entity_set: str) -> str:
        sets = self._entity_sets()
        if entity_set in sets:
            return (
                f"this is the table's logical name; the mapping needs the name of its entity set, "
                f"{sets[entity_set]}"
            )
        return (
            f"the portal has no table with this entity set{similar(entity_set, sets.values())}; "
            "HLF finds the right name in Power Apps > Tables > the table > Tools > Copy set name"
        )

    def _entity_sets(self) -> dict[str, str]:
        """Return every table's entity set by logical name; empty if the portal refuses to say."""
        try:
            rows = self.requests.read("EntityDefinitions?$select=LogicalName,EntitySetName")
        except PortalError:
            return {}
        return {str(row["LogicalName"]): str(row["EntitySetName"]) for row in rows["value"]}

    def columns(self, table: Table) -> dict[str, Column]:
        """Return the table's columns by logical name."""
        rows = self.requests.read(
            f"{_address(table)}/Attributes"
            "?$select=LogicalName,AttributeType,MetadataId,IsSecured,IsValidForUpdate"
        )["value"]
        return {
            row["LogicalName"]: Column(
                row["LogicalName"],
                str(row["AttributeType"]),
                str(row.get("MetadataId")),
                row["IsSecured"] is not False,
                row.get("IsValidForUpdate") is not False,
            )
            for row in rows
        }

    def keys(self, table: Table) -> list[tuple[list[str], str]]:
        """Return the columns of each alternate key, and the state of its index."""
        rows = self.requests.read(
            f"{_address(table)}/Keys?$select=LogicalName,KeyAttributes,EntityKeyIndexStatus"
        )["value"]
        return [(row["KeyAttributes"], str(row.get("EntityKeyIndexStatus"))) for row in rows]

    def options(self, table: Table, column: str, kind: str) -> list[dict[str, Any]]:
        """Return the options of a Picklist or Status column; `kind` is one of these two."""
        body = self._details(
            table, column, kind,
            "LogicalName&$expand=OptionSet($select=Options),GlobalOptionSet($select=Options)",
        )  # fmt: skip
        return (body.get("OptionSet") or body["GlobalOptionSet"])["Options"]

    def behavior(self, table: Table, column: str) -> tuple[str, str]:
        """Return the behaviour and the format of a date column.

        The format only matters in forms; the values that a reader gets depend on the behaviour.
        """
        body = self._details(table, column, "DateTime", "LogicalName,Format,DateTimeBehavior")
        return str(body["DateTimeBehavior"]["Value"]), str(body["Format"])

    def longest(self, table: Table, column: Column) -> int:
        """Return how many characters a text column takes."""
        length: object = self._details(table, column.name, column.kind, "LogicalName,MaxLength")[
            "MaxLength"
        ]
        if not isinstance(length, int):
            raise TypeError
        return length

    def _details(self, table: Table, column: str, kind: str, select: str) -> dict[str, Any]:
        """Read properties that only columns of one kind have: Dataverse wants it in the address."""
        return self.requests.read(
            f"{_address(table)}/Attributes(LogicalName='{column}')"
            f"/{_METADATA}.{kind}AttributeMetadata?$select={select}"
        )


def similar(name: str, names: Iterable[str]) -> str:
    """Return a hint at the most similar of some names, or nothing."""
    found = get_close_matches(name, list(names), n=1, cutoff=0.88)
    return f"; {found[0]} has a similar name" if found else ""


def _address(table: Table) -> str:
    return f"EntityDefinitions(LogicalName='{table.name}')"
