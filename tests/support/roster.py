"""Puts mentors and coordinators into a test's database, and reads what became of them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

TODAY = date(2026, 3, 1)
YESTERDAY = TODAY - timedelta(days=1)
TOMORROW = TODAY + timedelta(days=1)
ORG = UUID("0f0e0d0c-0b0a-4908-8706-050403020100")


def add_organisation(db: psycopg.Connection) -> None:
    """Add the organisation, HLF, unless the database was copied with it."""
    known = "select from organisations where id = %(id)s"
    db.execute(
        f"insert into organisations (id, slug) select %(id)s, 'hlf' where not exists ({known})",
        {"id": ORG},
    )


class Records:
    """Reads the results of a run from the database."""

    def __init__(self, db: psycopg.Connection) -> None:
        """`db` is the owner's connection."""
        self.db = db

    def status(self, mentor: UUID) -> str:
        """Return a mentor's status."""
        (row,) = self.rows("select status from peer_mentors where id = %s", mentor)
        return row["status"]

    def history(self) -> list[dict[str, Any]]:
        """Return the audit trail, oldest first."""
        return self.rows("select * from peer_mentor_status_history order by id")

    def log(self) -> list[dict[str, Any]]:
        """Return the execution log, oldest first."""
        return self.rows("select * from scheduler_execution_log order by id")

    def make_it(self, hour: int) -> None:
        """Give the organisation a time zone in which it is now this hour, 0 to 23."""
        ahead = hour - datetime.now(UTC).hour
        ahead += 24 if ahead < -11 else -24 if ahead > 12 else 0
        zone = f"Etc/GMT{-ahead:+d}"  # the signs of these zones are the other way round
        self.db.execute("update organisations set time_zone = %s where id = %s", (zone, ORG))

    def age_log(self) -> None:
        """Make the rows of the execution log two hours older."""
        table = "alter table scheduler_execution_log"
        self.db.execute(f"{table} disable trigger restrict_log_updates".encode())
        self.db.execute(
            "update scheduler_execution_log set started_at = started_at - interval '2 hours'"
        )
        self.db.execute(f"{table} enable always trigger restrict_log_updates".encode())

    def rows(self, query: Any, *values: object) -> list[dict[str, Any]]:
        """Run a query as the owner."""
        with self.db.cursor(row_factory=dict_row) as cursor:
            found: Sequence[dict[str, Any]] = cursor.execute(query, values).fetchall()
            return list(found)

    def certify(self, mentor: UUID, expires_on: date) -> None:
        """Add a certification."""
        self.db.execute(
            "insert into certifications (mentor_id, expires_on) values (%s, %s)",
            (mentor, expires_on),
        )

    def fail_for(
        self,
        mentor: UUID,
        what: LiteralString = "update on peer_mentors",
        column: LiteralString = "old.id",
    ) -> None:
        """Let every change of this mentor, or of the mentor's rows, fail in the database."""
        self.db.execute(
            "create function public.refuse() returns trigger language plpgsql as"
            " $$ begin raise exception 'no way'; end $$"
        )
        self.db.execute(
            sql.SQL(
                "create trigger refuse before {} for each row when ({} = {})"
                " execute function public.refuse()"
            ).format(sql.SQL(what), sql.SQL(column), mentor)
        )


class Roster(Records):
    """One organisation, HLF, with one chapter; mentors as a test needs them."""

    def __init__(self, db: psycopg.Connection, new_id: Callable[[], UUID] = uuid4) -> None:
        """`db` is the owner's connection; `new_id` draws the ids, whose order decides much."""
        super().__init__(db)
        self.org_id, self.new_id = ORG, new_id
        add_organisation(db)
        self.chapter_id = self.add_chapter()

    def add_organisation(self, slug: str = "other") -> UUID:
        """Add another organisation, and return its id."""
        other = self.new_id()
        self.db.execute("insert into organisations (id, slug) values (%s, %s)", (other, slug))
        return other

    def add_chapter(self) -> UUID:
        """Add a chapter."""
        chapter = self.new_id()
        self.db.execute("insert into chapters values (%s, %s, 'Oslo')", (chapter, self.org_id))
        return chapter

    def add_mentor(
        self, *expiries: date, status: str = "active", chapter_id: UUID | None = None
    ) -> UUID:
        """Add a mentor with a certification for each date, or one that expired yesterday."""
        mentor = self.new_id()
        self.db.execute(
            "insert into peer_mentors (id, org_id, chapter_id, status) values (%s, %s, %s, %s)",
            (mentor, self.org_id, chapter_id or self.chapter_id, status),
        )
        for expiry in expiries or (YESTERDAY,):
            self.certify(mentor, expiry)
        return mentor

    def add_mentors(self, count: int) -> list[UUID]:
        """Add active mentors whose certification expired yesterday; returned in id order."""
        mentors = sorted(self.new_id() for _ in range(count))
        with self.db.cursor() as cursor:
            cursor.executemany(
                "insert into peer_mentors (id, org_id, chapter_id) values (%s, %s, %s)",
                [(m, self.org_id, self.chapter_id) for m in mentors],
            )
            cursor.executemany(
                "insert into certifications (mentor_id, expires_on) values (%s, %s)",
                [(m, YESTERDAY) for m in mentors],
            )
        return mentors

    def add_coordinator(
        self, *, mentors: Iterable[UUID] = (), chapters: Iterable[UUID] = ()
    ) -> UUID:
        """Add a coordinator of the organisation, by assignment, by chapter or both."""
        coordinator = self.new_id()
        self.db.execute(
            "insert into org_members values (%s, %s, 'coordinator')", (self.org_id, coordinator)
        )
        for mentor in mentors:
            self.db.execute(
                "insert into assignments (mentor_id, coordinator_id) values (%s, %s)",
                (mentor, coordinator),
            )
        for chapter in chapters:
            self.db.execute(
                "insert into coordinator_chapters values (%s, %s)", (coordinator, chapter)
            )
        return coordinator
