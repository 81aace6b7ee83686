"""The people as the oracle keeps them, and what happens to them by day."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from year.warnings.records import Contact, Coordinator, Mentor, Situation


@dataclass
class World:
    """The mentors and coordinators of one organisation. Every verb is a verb of the product too."""

    chapters: list[UUID] = field(default_factory=list)
    mentors: dict[UUID, Mentor] = field(default_factory=dict)
    coordinators: dict[UUID, Coordinator] = field(default_factory=dict)
    stages: tuple[int, ...] = (90, 30, 14, 7)
    by_account: dict[UUID, Mentor] = field(default_factory=dict)

    def open_chapter(self, chapter: UUID) -> None:
        """A chapter opens."""
        self.chapters.append(chapter)

    def join(
        self, mentor: UUID, chapter: UUID, contact: Contact, account: UUID | None = None
    ) -> None:
        """A mentor joins."""
        found = self.mentors[mentor] = Mentor(mentor, chapter, contact, account)
        self.by_account[found.person] = found

    def certify(self, certification: UUID, mentor: UUID, expires_on: date, cause: str) -> None:
        """A mentor gets a certification."""
        found = self.mentors[mentor]
        before = found.expires_on
        found.certifications[certification] = expires_on
        if found.expires_on != before:
            found.cause = cause

    def move(self, certification: UUID, mentor: UUID, expires_on: date, cause: str) -> None:
        """The day of a certification is corrected."""
        self.certify(certification, mentor, expires_on, cause)

    def remove(self, certification: UUID, mentor: UUID) -> None:
        """A certification is deleted."""
        found = self.mentors[mentor]
        del found.certifications[certification]
        found.cause = "a certification was deleted"

    def set_status(self, mentor: UUID, status: str) -> None:
        """A person changes a status by hand."""
        self.mentors[mentor].status = status
        self.mentors[mentor].was_changed_by_hand = True

    def reach_mentor(self, mentor: UUID, contact: Contact) -> None:
        """A mentor's address or language changes."""
        self.mentors[mentor].contact = contact

    def hire(self, coordinator: UUID, contact: Contact) -> None:
        """A coordinator comes."""
        self.coordinators[coordinator] = Coordinator(coordinator, contact)

    def reach_coordinator(self, coordinator: UUID, contact: Contact) -> None:
        """A coordinator's address or language changes."""
        self.coordinators[coordinator].contact = contact

    def leave(self, coordinator: UUID) -> None:
        """A coordinator leaves; nobody takes the rows of chapters and mentors away."""
        del self.coordinators[coordinator]

    def take_chapter(self, coordinator: UUID, chapter: UUID) -> None:
        """A coordinator takes a chapter over."""
        self.coordinators[coordinator].chapters.add(chapter)

    def give_chapter(self, coordinator: UUID, chapter: UUID) -> None:
        """A coordinator gives a chapter away."""
        self.coordinators[coordinator].chapters.remove(chapter)

    def assign(self, coordinator: UUID, mentor: UUID) -> None:
        """A coordinator is assigned to one mentor."""
        self.coordinators[coordinator].mentors.add(mentor)

    def end_assignment(self, coordinator: UUID, mentor: UUID) -> None:
        """An assignment ends."""
        self.coordinators[coordinator].mentors.remove(mentor)

    def choose_stages(self, stages: tuple[int, ...]) -> None:
        """The organisation chooses on which days before the expiry it warns (W1)."""
        self.stages = stages

    def responsible_for(self, mentor: UUID) -> list[UUID]:
        """Return the mentor's coordinators: by chapter or by assignment."""
        chapter = self.mentors[mentor].chapter
        return [
            c.id for c in self.coordinators.values() if chapter in c.chapters or mentor in c.mentors
        ]

    def contact_of(self, person: UUID) -> Contact | None:
        """Return a person's contact: as a coordinator, or else as a mentor."""
        found = (self.coordinators.get(person), self.by_account.get(person))
        contacts = [one.contact for one in found if one]
        return next((c for c in contacts if c.email), contacts[0] if contacts else None)

    def note_situations(self, night: date) -> None:
        """Remember what each mentor is on this night, if it is other than before."""
        for mentor in self.mentors.values():
            now = Situation(night, mentor.expires_on, mentor.status == "active", mentor.cause)
            if not mentor.situations or mentor.situations[-1][1:] != now[1:]:
                mentor.situations.append(now)
