"""The messages of a stormy night: notifiers that die, work side by side or get no answer (W3, W4).

The post has faults of its own, so a seed's night is the same with and without it.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from faults.schedule import WRONG, Schedule
from mentor_pause.errors import MentorPauseError
from notify.delivery_events import note_event
from support.faults import Fault, ProcessDied
from support.post_office import Letter, Notifier, PostOffice, a_day_later
from support.roster import ORG, Roster

_AT_REST = {"delivered", "unknown", "no_address", "outdated"}

_LOSSES: tuple[tuple[Fault, str], ...] = (
    *(("after", "begin_digest"), ("late", "begin_digest"), ("dies after", "begin_digest")),
    *((fault, "send_email") for fault in WRONG if fault not in ("before", "throttled")),
    *((fault, "finish_digest") for fault in WRONG if fault not in ("after", "dies after")),
)
"""The faults after which a digest has begun, and nobody knows whether SES took its e-mail."""


@dataclass
class ChoosyOffice(PostOffice):
    """SES that rejects some e-mails."""

    rejects: Callable[[], bool] = bool
    """Whether it rejects the next one."""

    def send_email(self, **request: Any) -> dict[str, str]:
        """Take an e-mail, or reject it."""
        if self.rejects():
            answer: Any = {"Error": {"Code": "MessageRejected", "Message": "no"}}
            raise ClientError(answer, "SendEmail")
        return super().send_email(**request)


class Post:
    """Sends the messages of a night, and tells what SES says about them."""

    def __init__(
        self,
        transport: Any,
        schedule: Schedule,
        dice: random.Random,
        build: type[Notifier] = Notifier,
    ) -> None:
        """`transport` logs in with the role of the notifier; its calls follow the schedule."""
        self.office = ChoosyOffice(rejects=self._rejects)
        self.schedule = schedule
        self._dice = dice
        self._notifiers = [build(transport, self.office, schedule) for _ in range(2)]
        self._told = 0
        self._wrong: list[str] = []

    @property
    def output(self) -> str:
        """The notifiers' log lines."""
        return "".join(notifier.output.getvalue() for notifier in self._notifiers)

    def _rejects(self) -> bool:
        if self.schedule.is_over or self._dice.random() >= 1 / 8:
            return False
        self.schedule.counts["rejected", "SES"] += 1
        return True

    def weather(self, roster: Roster) -> None:
        """Send in the storm; perhaps a day passes."""
        self.send_in_storm()
        if self._dice.random() < 1 / 4:
            self._next_day(roster)

    def send_in_storm(self) -> None:
        """Let two notifiers send side by side; perhaps SES tells about some letters."""
        first, second = self._dice.sample(self._notifiers, 2)
        with self.schedule.beside("second notifier", lambda: self._send(second)):
            self._send(first)
        if self._dice.random() < 1 / 2:
            self._tell(self._dice.sample(self.office.letters, len(self.office.letters) // 2))

    def calm(self, roster: Roster) -> None:
        """Send without faults what is left, on two days, and tell everything."""
        self.schedule.stop()
        for _ in range(2):
            self._next_day(roster)
            self._send(self._notifiers[0])
        self._tell(self.office.letters * 2)

    def _send(self, notifier: Notifier) -> None:
        left = iter([300.0] * self._dice.randint(1, 4))
        enough = self.schedule.is_over or self._dice.random() < 1 / 2
        with suppress(MentorPauseError):
            notifier.send(lambda: 300.0 if enough else next(left, 0.0))

    def _next_day(self, roster: Roster) -> None:
        self.schedule.arrive()  # no call is a day late: an e-mail of today leaves today
        self._check_the_day()
        a_day_later(roster)

    def _check_the_day(self) -> None:
        new = self.office.letters[self._told :]
        self._told = len(self.office.letters)
        for count in Counter(letter.to for letter in new).values():
            if count > 1:
                self._wrong.append(f"post: one a day: {count} letters to one person")

    def _tell(self, letters: list[Letter]) -> None:
        """Deliver SES's events, in any order."""
        for letter in self._dice.sample(letters, len(letters)):
            kind = self._dice.choice(("Send", "Delivery", "Delivery"))
            if self.schedule.is_over:
                kind = "Delivery"
            body = {
                "event": kind,
                "message_id": letter.message_id,
                "digest": [str(letter.digest_id)],
            }
            notifier = self._notifiers[0]
            with suppress(MentorPauseError, ProcessDied):
                note_event(json.dumps(body), ORG, notifier.database, notifier.logger)

    def violations(self, roster: Roster) -> Iterator[str]:
        """Yield what was lost, sent twice, or is unknown without a reason."""
        self._check_the_day()
        yield from self._wrong
        letters = Counter(letter.digest_id for letter in self.office.letters)
        if doubled := [n for n in letters.values() if n > 1]:
            yield f"post: sent once: {len(doubled)} digests left more than once"
        for row in roster.rows("select state, count(*) as n from messages group by state"):
            if row["state"] not in _AT_REST:
                yield f"post: at rest: {row['n']} messages are {row['state']}"
        digests = {row["id"]: row["state"] for row in roster.rows("select * from digests")}
        if strangers := letters.keys() - digests.keys():
            yield f"post: known: {len(strangers)} letters belong to no digest"
        unsent = [d for d, state in digests.items() if state != "unknown" and d not in letters]
        if unsent:
            yield f"post: sent once: {len(unsent)} digests say that they were sent"
        unknown = {digest for digest, state in digests.items() if state == "unknown"}
        if len(unknown) > (lost := sum(self.schedule.by_call[loss] for loss in _LOSSES)):
            yield f"post: unknown: {len(unknown)} digests, and {lost} answers were lost"
        if heard := unknown & letters.keys():
            yield f"post: unknown: {len(heard)} digests, though SES said that they had arrived"
        yield from self._unreached(roster)

    def _unreached(self, roster: Roster) -> Iterator[str]:
        """Yield the people with an address who have neither a letter nor an unknown digest."""
        rows = roster.rows(
            "select c.email from messages m"
            " cross join lateral private.contact_of(m.org_id, m.person_id) c"
            " where m.state <> 'outdated' and c.email is not null and not exists"
            " (select from digests d where d.person_id = m.person_id)"
        )
        if rows:
            yield f"post: reached: {len(rows)} messages to people with an address are in no digest"
