"""The access matrix and the catalogue's rules, which pgTAP and pytest share."""

from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

_ACCESS = Path(__file__).parents[2] / "supabase/tests/database/access"

type Cell = tuple[str, str, str, str, str]
"""Object, operation, persona, expected outcome, actual outcome."""


class Access:
    """A database with the matrix's world in it, and the matrix beside it."""

    def __init__(self, db: psycopg.Connection) -> None:
        """`db` is the owner's connection to a fresh database."""
        self.db = db
        for name in ("catalogue", "world", "engine", "matrix"):
            db.execute((_ACCESS / f"{name}.sql").read_bytes())

    def differences(self, objects: list[str] | None = None, most: int | None = None) -> list[Cell]:
        """Run the cells of these objects, or all of them; return those that are not as expected.

        After `most` of them it stops.
        """
        return self.db.execute(
            "select * from result where (%(objects)s::text[] is null or object = any(%(objects)s))"
            " and actual is distinct from expected limit %(most)s",
            {"objects": objects, "most": most},
        ).fetchall()

    def findings(self) -> list[tuple[str, str]]:
        """Return what breaks a rule of the catalogue."""
        return self.db.execute("select rule, object from finding").fetchall()

    def is_noticed(self, statement: sql.Composed, objects: list[str] | None) -> bool:
        """Make a change, look whether a cell of these objects or a rule tells, take it back."""
        with self.db.transaction(force_rollback=True):
            self.db.execute(statement)
            return bool(self.findings() or self.differences(objects, most=1))

    def generate(self, query: LiteralString) -> list[tuple[sql.Composed, list[str] | None]]:
        """Return the statements that a query over the catalogue writes, with their object.

        An object that has no cells of its own is asked for with all of them.
        """
        known = {row[0] for row in self.db.execute("select distinct object from cell")}
        return [
            (sql.Composed([sql.SQL(statement)]), [name] if name in known else None)
            for statement, name in self.db.execute(query).fetchall()
        ]
