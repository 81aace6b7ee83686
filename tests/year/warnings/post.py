"""The rules of the e-mails: one digest for each recipient and day (W3), to those reached (W6)."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from year.warnings.records import Contact, Mail, Message
from year.warnings.world import World

OSLO = ZoneInfo("Europe/Oslo")
_OLD = timedelta(days=7)

type Fate = Callable[[str], str]
"""What becomes of an e-mail to an address: sent, bounced, refused, or unknown."""


@dataclass
class Post:
    """The messages, and which e-mails they become."""

    world: World
    was_warned: Callable[[UUID, date], bool]
    messages: list[Message] = field(default_factory=list)
    mailed: set[tuple[UUID, date]] = field(default_factory=set)
    """Who has had a digest on which day."""
    bounced: set[str] = field(default_factory=set)
    """Addresses to which nothing is sent any more."""
    _waiting: dict[UUID, list[Message]] = field(default_factory=lambda: defaultdict(list))

    def add(self, message: Message) -> None:
        """A message is written."""
        self.messages.append(message)
        self._waiting[message.person].append(message)

    def send(self, now: datetime, fate: Fate) -> dict[str, Mail]:
        """Send all that is due; return the e-mails that may have arrived, by address."""
        mails: dict[str, Mail] = {}
        for person, messages in list(self._waiting.items()):
            for message in messages:
                if message.created_at <= now - _OLD:
                    message.state = "outdated"
            mail = self._send_to(person, now, fate)
            if mail:
                mails[mail.email] = mail
            self._waiting[person] = [m for m in messages if m.waits]
            if not self._waiting[person]:
                del self._waiting[person]
        self.bounced.update(email for email in mails if fate(email) == "bounced")
        return mails

    def _send_to(self, person: UUID, now: datetime, fate: Fate) -> Mail | None:
        day = now.astimezone(OSLO).date()
        waiting = [m for m in self._waiting[person] if m.waits]
        due = [m for m in waiting if m.due_at <= now]
        if not due:
            return None
        if (person, day) in self.mailed:  # one digest a day; the others wait for the morning
            for message in due:
                message.due_at = datetime.combine(day + timedelta(days=1), time(6), OSLO)
            return None
        morning = datetime.combine(day, time(6), OSLO)
        if now < morning and all(m.created_at.astimezone(OSLO).date() < day for m in waiting):
            for message in due:  # so that an old message does not use up the day before the night
                message.due_at = morning
            return None
        for message in waiting:
            if not self._holds(message, day):
                message.state = "outdated"
        return self._send_covered(person, [m for m in waiting if m.waits], now, fate)

    def _send_covered(
        self, person: UUID, covered: list[Message], now: datetime, fate: Fate
    ) -> Mail | None:
        email, language = self.world.contact_of(person) or Contact(None, "nb")
        if email is None or not self._is_reached(email):
            for message in covered:
                message.state = "no_address"
                message.due_at = now + timedelta(days=1)
            return None
        if not covered:
            return None
        mail = self._mail(email, language, now.astimezone(OSLO).date(), covered)
        return self._note(person, mail, covered, now, fate(email))

    def _note(
        self, person: UUID, mail: Mail, covered: list[Message], now: datetime, fate: str
    ) -> Mail | None:
        if fate == "refused":
            for message in covered:
                message.state, message.due_at = "pending", now + timedelta(hours=1)
            return None
        self.mailed.add((person, mail.day))
        for message in covered:
            message.state = fate
        return mail

    def _is_reached(self, email: str | None) -> bool:
        return email is not None and email not in self.bounced

    def _holds(self, message: Message, day: date) -> bool:
        """Whether a message is still true (W1), and its reader still somebody to tell."""
        if message.audience == "coordinator" and message.person not in self.world.coordinators:
            return False
        if message.kind == "warning":
            return bool(self._expiring(message.mentors, day))
        if message.audience == "mentor":
            mentor = self.world.mentors[message.mentors[0]]
            return mentor.status == "paused" and not mentor.was_changed_by_hand
        return True

    def _expiring(self, mentors: Iterable[UUID], day: date) -> dict[UUID, date]:
        """Return those who will be paused as they were warned, and when."""
        found: dict[UUID, date] = {}
        for mentor in map(self.world.mentors.__getitem__, mentors):
            expires_on = mentor.expires_on
            will_be_paused = mentor.status == "active" and expires_on and expires_on > day
            if expires_on and will_be_paused and self.was_warned(mentor.id, expires_on):
                found[mentor.id] = expires_on
        return found

    def _mail(self, email: str, language: str, day: date, covered: list[Message]) -> Mail:
        def of(audience: str, kind: str) -> list[Message]:
            return [m for m in covered if (m.audience, m.kind) == (audience, kind)]

        own = [self._expiring(m.mentors, day) for m in of("mentor", "warning")]
        expiring = self._expiring({i for m in of("coordinator", "warning") for i in m.mentors}, day)
        paused = of("coordinator", "paused")
        about = {*expiring, *(i for m in paused for i in m.mentors)}
        own_pauses = [m.created_at.astimezone(OSLO).date() for m in of("mentor", "paused")]
        return Mail(
            email,
            language,
            day,
            own_paused_on=max(own_pauses, default=None),
            own_expires_on=min((d for dates in own for d in dates.values()), default=None),
            paused_count=sum(len(m.mentors) for m in paused),
            expiring_count=len(expiring),
            first_expires_on=min(expiring.values(), default=None),
            unreachable_count=sum(
                not self._is_reached(self.world.mentors[m].contact.email) for m in about
            ),
        )
