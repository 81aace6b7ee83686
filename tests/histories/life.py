"""What happens in a history between the steps of runs: people, dates, warnings, the brake."""

import random
from datetime import date, timedelta
from uuid import UUID

import psycopg

from histories.oracle import Mentor, Mode, Oracle
from histories.product import Product
from support.roster import ORG

MODES: tuple[Mode, ...] = ("watch", "hold", "hold", "hold", "off")
"""Mode hold has the most to prove."""

_STATUSES = ("paused", "active", "active", "active", "inactive")

ADMINISTRATORS = (UUID(int=0xA1), UUID(int=0xA2))


class Life:
    """The organisation's mentors and settings, in the database and in the oracle alike."""

    def __init__(self, product: Product, oracle: Oracle, dice: random.Random) -> None:
        """Begin with a few mentors, most of whose certifications have expired or expire soon."""
        self.product, self.oracle, self.dice = product, oracle, dice
        for mentor in sorted(UUID(int=dice.getrandbits(128)) for _ in range(dice.randint(4, 10))):
            self._add(mentor)
        self.turn_the_brake()

    def _add(self, mentor: UUID) -> None:
        self.oracle.mentors[mentor] = Mentor(mentor, [], set())
        self.product.execute("insert into peer_mentors (id, org_id) values (%s, %s)", mentor, ORG)
        if self.dice.random() < 9 / 10:
            self._certify(self.oracle.mentors[mentor], self._near())

    def _near(self) -> date:
        return self.oracle.today + timedelta(days=self.dice.choice((-9, -3, -1, 0, 0, 0, 1, 400)))

    def pick(self) -> Mentor:
        """Choose a mentor."""
        return self.dice.choice(list(self.oracle.mentors.values()))

    def _certify(self, mentor: Mentor, expires_on: date) -> None:
        mentor.certifications.append(expires_on)
        self.product.execute(
            "insert into certifications (mentor_id, expires_on) values (%s, %s)",
            mentor.id,
            expires_on,
        )
        if self.dice.random() < 1 / 2:
            self.warn(mentor)

    def renew(self) -> None:
        """Give a mentor a later certification, more often one who is paused."""
        mentors = list(self.oracle.mentors.values())
        paused = [mentor for mentor in mentors if mentor.status == "paused"]
        self._certify(
            self.dice.choice(paused * 4 + mentors), self.oracle.today + timedelta(days=365)
        )

    def move_a_date(self) -> None:
        """Move all dates of a mentor, or delete them, as a wrong import does."""
        mentor = self.pick()
        mentor.certifications.clear()
        self.product.execute("delete from certifications where mentor_id = %s", mentor.id)
        if self.dice.random() < 7 / 8:
            self._certify(mentor, self._near())

    def warn(self, mentor: Mentor | None = None) -> None:
        """Warn a mentor, perhaps long ago, perhaps of another date."""
        mentor = mentor or self.pick()
        of = (mentor.expires_on or self.oracle.today) + timedelta(days=self.dice.choice((0, 0, 5)))
        warned_on = self.oracle.today - timedelta(days=self.dice.choice((0, 5, 6, 7, 8, 30)))
        mentor.warned.add((of, warned_on))
        self.product.execute(
            "insert into warnings (mentor_id, expires_on, stage, warned_on)"
            " select %s, %s, 1 + count(*), %s from warnings"
            " where mentor_id = %s and expires_on = %s",
            mentor.id, of, warned_on, mentor.id, of,
        )  # fmt: skip

    def by_hand(self) -> None:
        """Change the status of a mentor by hand."""
        self._change(self.pick(), self.dice.choice(_STATUSES))

    def take_leave(self) -> None:
        """Resume a mentor who was renewed and is still paused, and soon pause them again."""
        mentors = self.oracle.mentors.values()
        paused = [m for m in mentors if m.status == "paused" and self.oracle.is_valid(m)]
        if paused:
            mentor = self.dice.choice(paused)
            self._change(mentor, "active")
            self._change(mentor, "paused")

    def _change(self, mentor: Mentor, status: str) -> None:
        """Let a service change a status; the answer must be the oracle's."""
        allowed, changed = self.oracle.change(mentor, status), True
        try:
            self.product.call(
                "update_mentor_status", "service_role", mentor_id=mentor.id, org_id=ORG,
                status=status, reason="on_leave",
            )  # fmt: skip
        except psycopg.Error:
            changed = False
        assert changed == allowed, f"by hand: {mentor} to {status}"

    def turn_the_brake(self) -> None:
        """Change the mode and the limits."""
        oracle = self.oracle
        oracle.mode, oracle.most = self.dice.choice(MODES), self.dice.choice((0, 1, 2, 10))
        oracle.percent = self.dice.choice((0, 5, 50))
        self.product.execute(
            "insert into organisation_settings (org_id, brake_mode, brake_count, brake_percent)"
            " values (%s, %s, %s, %s) on conflict (org_id) do update set brake_mode ="
            " excluded.brake_mode, brake_count = excluded.brake_count,"
            " brake_percent = excluded.brake_percent",
            ORG, oracle.mode, oracle.most, oracle.percent,
        )  # fmt: skip

    def read_warnings(self) -> None:
        """Learn of the warnings that a run has written; another test compares those."""
        for row in self.product.rows("select mentor_id, expires_on, warned_on from warnings"):
            self.oracle.mentors[row["mentor_id"]].warned.add((row["expires_on"], row["warned_on"]))
