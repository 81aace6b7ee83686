"""Edits of the stand-in portal, each of which is one mistake of an administrator."""

from collections.abc import Callable

from local.portal_columns import Column, Right, Table
from local.portal_tables import Portal
from support.portal import EXAMPLE

type Break = Callable[[Portal], object]
"""Makes one mistake in a portal that docs/portal-mapping.json describes."""
TABLES = "Power Apps > Tables > "
SETTINGS = "Power Platform admin center > Environments > Settings > Users + permissions > "


def mentors(portal: Portal) -> Table:
    """Return the table of mentors."""
    return portal.tables[0]


def certifications(portal: Portal) -> Table:
    """Return the table of certifications."""
    return portal.tables[1]


def column(name: str, **definition: object) -> Break:
    """Return a mistake that redefines a column in both tables."""

    def act(portal: Portal) -> None:
        for table in portal.tables:
            if name in table.columns:
                table.columns[name] = Column(**definition)  # pyright: ignore[reportArgumentType]

    return act


def secured(*granted: Right) -> Break:
    """Return a mistake that secures the status column, with these rights for us."""
    return column(
        "hlf_status", kind="Picklist", secured=True, granted=set(granted),
        choices=set(EXAMPLE.mentors.status_values.values()),
    )  # fmt: skip


def lookup(portal: Portal) -> None:
    """Let certifications name their mentor by a lookup alone."""
    certifications(portal).columns["hlf_mentornumber"] = Column("Lookup")


def unreadable(portal: Portal) -> None:
    """Forbid our application user to read its own rights on columns."""
    secured("read", "update")(portal)
    portal.answers_column_security = False


def reach(*depths: str, parent: str | None = None) -> Break:
    """Return a mistake: several roles give the privilege to write, each with its own depth."""

    def act(portal: Portal) -> None:
        portal.depths["prvWritehlf_likeperson"] = [*depths]
        portal.parent_unit = parent

    return act
