"""Products that are broken on purpose: a database function with one comparison changed."""

from dataclasses import dataclass

import psycopg
from psycopg import sql


@dataclass(frozen=True)
class Broken:
    """A function in whose text something is replaced."""

    function: str
    """With its schema."""
    text: str
    by: str

    def __call__(self, db: psycopg.Connection) -> None:
        """Replace the function in this database."""
        query = "select pg_get_functiondef(%s::regproc)"
        row = db.execute(query, (self.function,)).fetchone()
        definition = str(row and row[0])
        assert self.text in definition, f"{self.function} does not say: {self.text}"
        replaced = definition.replace(self.text, self.by)
        db.execute(sql.SQL(replaced))  # pyright: ignore[reportArgumentType] - the product's own text


EXPIRED = (
    Broken("private.expired_mentors", "<= p_as_of", "< p_as_of"),
    Broken("public.update_mentor_status", "v_expires_on > p_as_of", "v_expires_on >= p_as_of"),
)
"""A certification that expires on the day itself has not expired yet."""

unchanged_by_its_own_time = Broken(
    "public.mirror_portal_certifications",
    "(c.mentor_id, c.expires_on) is distinct from (m.id, n.expires_on)",
    "coalesce(c.portal_modified_on < n.modified_on, true)",
)
"""A row of the portal counts as stored unless its own time is newer."""
