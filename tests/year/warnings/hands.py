"""What people and the app's back end change in the database by day."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

import psycopg

from support.roster import ORG
from year.warnings.records import Contact


@dataclass(frozen=True)
class Hands:
    """The verbs of the world, in the database."""

    db: psycopg.Connection

    def open_chapter(self, chapter: UUID) -> None:
        """Insert a chapter."""
        self.db.execute("insert into chapters values (%s, %s, 'Oslo')", (chapter, ORG))

    def join(self, mentor: UUID, chapter: UUID, contact: Contact, account: UUID | None) -> None:
        """Insert a mentor and their contact."""
        self.db.execute(
            "insert into peer_mentors (id, org_id, chapter_id, user_id) values (%s, %s, %s, %s)",
            (mentor, ORG, chapter, account),
        )
        self.db.execute(
            "insert into mentor_contacts values (%s, 'Kari Nordmann', %s, %s)", (mentor, *contact)
        )

    def certify(self, certification: UUID, mentor: UUID, expires_on: date, cause: str) -> None:
        """Insert a certification."""
        del cause
        self.db.execute(
            "insert into certifications (id, mentor_id, expires_on) values (%s, %s, %s)",
            (certification, mentor, expires_on),
        )

    def move(self, certification: UUID, mentor: UUID, expires_on: date, cause: str) -> None:
        """Change the day of a certification."""
        del mentor, cause
        self.db.execute(
            "update certifications set expires_on = %s where id = %s", (expires_on, certification)
        )

    def remove(self, certification: UUID, mentor: UUID) -> None:
        """Delete a certification."""
        del mentor
        self.db.execute("delete from certifications where id = %s", (certification,))

    def set_status(self, mentor: UUID, status: str) -> None:
        """Change a status as a service does."""
        self.db.execute(
            "select public.update_mentor_status(%s, %s, %s, 'changed_by_hand')",
            (mentor, ORG, status),
        )

    def reach_mentor(self, mentor: UUID, contact: Contact) -> None:
        """Change a mentor's contact."""
        self.db.execute(
            "update mentor_contacts set email = %s, language = %s where mentor_id = %s",
            (*contact, mentor),
        )

    def hire(self, coordinator: UUID, contact: Contact) -> None:
        """Insert a coordinator and their contact."""
        self.db.execute(
            "insert into org_members values (%s, %s, 'coordinator')", (ORG, coordinator)
        )
        self.db.execute(
            "insert into member_contacts values (%s, %s, 'Ola Nordmann', %s, %s)",
            (ORG, coordinator, *contact),
        )

    def reach_coordinator(self, coordinator: UUID, contact: Contact) -> None:
        """Change a coordinator's contact."""
        self.db.execute(
            "update member_contacts set email = %s, language = %s where user_id = %s",
            (*contact, coordinator),
        )

    def leave(self, coordinator: UUID) -> None:
        """Delete the membership; the rows of chapters and mentors stay."""
        self.db.execute("delete from org_members where user_id = %s", (coordinator,))

    def take_chapter(self, coordinator: UUID, chapter: UUID) -> None:
        """Insert a coordinator's chapter."""
        self.db.execute("insert into coordinator_chapters values (%s, %s)", (coordinator, chapter))

    def give_chapter(self, coordinator: UUID, chapter: UUID) -> None:
        """Delete a coordinator's chapter."""
        self.db.execute(
            "delete from coordinator_chapters where (coordinator_id, chapter_id) = (%s, %s)",
            (coordinator, chapter),
        )

    def assign(self, coordinator: UUID, mentor: UUID) -> None:
        """Assign a coordinator, perhaps again."""
        self.db.execute(
            "insert into assignments (mentor_id, coordinator_id) values (%s, %s)"
            " on conflict (mentor_id, coordinator_id) do update set ended_at = null",
            (mentor, coordinator),
        )

    def end_assignment(self, coordinator: UUID, mentor: UUID) -> None:
        """End an assignment."""
        self.db.execute(
            "update assignments set ended_at = clock_timestamp()"
            " where (mentor_id, coordinator_id) = (%s, %s)",
            (mentor, coordinator),
        )

    def choose_stages(self, stages: tuple[int, ...]) -> None:
        """Store the organisation's stages."""
        self.db.execute(
            "insert into organisation_settings values (%s, %s)"
            " on conflict (org_id) do update set warning_days = excluded.warning_days",
            (ORG, list(stages)),
        )
