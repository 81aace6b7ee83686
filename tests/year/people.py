"""The changes that people and services make in the database, each with their own role."""

from dataclasses import dataclass, field
from datetime import date
from uuid import NAMESPACE_URL, UUID, uuid5

import psycopg

from support.cluster import Cluster
from support.roster import ORG, Roster
from year.sight import Sight


@dataclass(frozen=True)
class People:
    """The mentors, a coordinator for each chapter, and the people who enter them."""

    roster: Roster
    cluster: Cluster
    sight: Sight
    chapters: dict[str, UUID] = field(default_factory=dict)
    coordinators: dict[UUID, UUID] = field(default_factory=dict)
    """By chapter."""

    def join(self, mentor: str, key: str, chapter: str) -> None:
        """Enter a mentor, with the chapter and its coordinator if they are new."""
        if chapter not in self.chapters:
            added = self.chapters[chapter] = self.roster.add_chapter()
            self.coordinators[added] = self.roster.add_coordinator(chapters=[added])
        self.roster.db.execute(
            "insert into peer_mentors (id, org_id, chapter_id, user_id, portal_key)"
            " values (%s, %s, %s, %s, %s)",
            (self.sight.id_of(mentor), ORG, self.chapters[chapter], self._user(mentor), key),
        )

    def _user(self, mentor: str) -> UUID:
        return uuid5(NAMESPACE_URL, f"user of {self.sight.id_of(mentor)}")

    def change_key(self, mentor: str, key: str) -> None:
        """Correct a mentor's key."""
        self.roster.db.execute(
            "update peer_mentors set portal_key = %s where id = %s", (key, self.sight.id_of(mentor))
        )

    def certify(self, certification: str, mentor: str, expires_on: date) -> None:
        """Enter a certification by hand."""
        self.roster.db.execute(
            "insert into certifications (id, mentor_id, expires_on) values (%s, %s, %s)",
            (self.sight.id_of(certification), self.sight.id_of(mentor), expires_on),
        )

    def move(self, zone: str) -> None:
        """Move the organisation to another time zone."""
        self.roster.db.execute("update organisations set time_zone = %s", (zone,))

    def block(self, mentor: str) -> None:
        """Let a trigger refuse every change of a mentor's row."""
        self.roster.fail_for(self.sight.id_of(mentor))

    def unblock(self) -> None:
        """Remove the trigger."""
        self.roster.db.execute("drop function if exists public.refuse cascade")

    def set_status(self, mentor: str, actor: str, status: str, reason: str) -> str:
        """Change a status as a person or a service; return the outcome or the SQLSTATE."""
        mentor_id = self.sight.id_of(mentor)
        try:
            with psycopg.connect(self._url(mentor, actor), autocommit=True) as session:
                row = session.execute(
                    "select outcome from public.update_mentor_status(%s, %s, %s, %s)",
                    (mentor_id, ORG, status, reason),
                ).fetchone()
        except psycopg.Error as error:
            return str(error.sqlstate)
        return row[0] if row else "nothing"

    def _url(self, mentor: str, actor: str) -> str:
        db = self.roster.db
        if actor == "service":
            return self.cluster.url_as(db, "service_role")
        if actor == "mentor":
            return self.cluster.url_as(db, "authenticated", self._user(mentor))
        user = self.coordinators[self.sight.chapter_of(mentor)]
        return self.cluster.url_as(db, "authenticated", user)
