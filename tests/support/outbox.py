"""Writes warnings, sends digests and reads what became of them, as the job and the notifier do."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from support.roster import ORG, Roster

type Row = dict[str, Any]


class Outbox:
    """The messages of the roster's organisation; days count from the database's present day."""

    def __init__(self, roster: Roster) -> None:
        """Make it noon, and ask the database for the day."""
        self.roster = roster
        roster.make_it(12)
        ((self.today,),) = roster.db.execute("select private.org_today(%s)", (ORG,)).fetchall()

    def in_days(self, days: int) -> date:
        """Return a day after the present one."""
        return self.today + timedelta(days=days)

    def add_mentor(self, days: int = 5, email: str | None = "", user: UUID | None = None) -> UUID:
        """Add an active mentor whose certification expires in `days`; by default with an address.

        `user`: the mentor's account.
        """
        mentor = self.roster.add_mentor(self.in_days(days))
        self.roster.db.execute("update peer_mentors set user_id = %s where id = %s", (user, mentor))
        self.add_contact(mentor, f"{mentor}@example.no" if email == "" else email)
        return mentor

    def add_coordinator(self, *mentors: UUID, email: str | None = "") -> UUID:
        """Add a coordinator of these mentors; by default with an address."""
        coordinator = self.roster.add_coordinator(mentors=mentors)
        self.roster.db.execute(
            "insert into member_contacts (org_id, user_id, display_name, email)"
            " values (%s, %s, 'Kari', %s)",
            (ORG, coordinator, f"{coordinator}@example.no" if email == "" else email),
        )
        return coordinator

    def add_admin(self, *mentors: UUID, email: str | None = "") -> UUID:
        """Add an administrator, who may also be the coordinator of mentors."""
        admin = self.add_coordinator(*mentors, email=email)
        self.roster.db.execute("update org_members set role = 'admin' where user_id = %s", (admin,))
        return admin

    def add_contact(self, mentor: UUID, email: str | None, language: str = "nb") -> None:
        """Add or replace a mentor's contact."""
        self.roster.db.execute(
            "insert into mentor_contacts values (%s, 'Ola', %s, %s) on conflict (mentor_id)"
            " do update set email = excluded.email, language = excluded.language",
            (mentor, email, language),
        )

    def warn(self, days: int = 0, limit: int = 1000) -> int:
        """Write the warnings of the day in `days`; return how many."""
        (row,) = self.roster.rows(
            "select write_warnings(%s, %s, %s) as n", ORG, self.in_days(days), limit
        )
        return row["n"]

    def stages(self) -> dict[UUID, list[int]]:
        """Return the stages at which each mentor was warned, in the order of the warnings."""
        found: dict[UUID, list[int]] = {}
        for row in self.roster.rows("select * from warnings order by created_at, stage desc"):
            found.setdefault(row["mentor_id"], []).append(row["stage"])
        return found

    def pause(self, *mentors: UUID) -> UUID:
        """Let a run pause mentors, whose certification it lets expire, and write the messages."""
        run = uuid4()
        self.pause_in(run, *mentors)
        return run

    def pause_in(self, run: UUID, *mentors: UUID) -> None:
        """Let the same run pause more mentors."""
        for mentor in mentors:
            self.roster.db.execute(
                "update certifications set expires_on = %s where mentor_id = %s",
                (self.today, mentor),
            )
            self.roster.db.execute(
                "select update_mentor_status(%s, %s, 'paused', 'certification_expired', %s, %s)",
                (mentor, ORG, run, self.today),
            )
        self.roster.db.execute("select notify_coordinators(%s)", (run,))

    def begin(self, digest: UUID | None = None) -> Row | None:
        """Begin a digest; return its content and its id, or None if nothing is due."""
        while True:
            digest = digest or uuid4()
            rows = self.roster.rows("select * from begin_digest(%s, %s)", ORG, digest)
            if not rows:
                return None
            if rows[0]["email"] is not None:
                return rows[0] | {"id": digest}

    def finish(self, digest: UUID, result: str = "sent", message: str | None = "m-1") -> bool:
        """Note what SES answered; a refused digest is due again at once in the tests' time."""
        (row,) = self.roster.rows(
            "select finish_digest(%s, %s, %s, %s) as is_news", ORG, digest, result, message
        )
        return row["is_news"]

    def record(
        self, digest: UUID, state: str, message: str = "m-1", reason: str | None = None
    ) -> bool:
        """Note an event of SES."""
        (row,) = self.roster.rows(
            "select record_delivery(%s, %s, %s, %s, %s) as is_news",
            ORG, digest, state, message, reason,
        )  # fmt: skip
        return row["is_news"]

    def send_all(self, result: str = "sent") -> list[Row]:
        """Begin and finish digests until nothing is due; return them."""
        sent: list[Row] = []
        while (found := self.begin()) is not None:
            self.finish(found["id"], result)
            sent.append(found)
        return sent

    def settle(self) -> tuple[int, int]:
        """Put right what earlier notifiers left; return how many became unknown and outdated."""
        (row,) = self.roster.rows("select * from settle_messages(%s)", ORG)
        return row["unknown_count"], row["outdated_count"]

    def messages(self, person: UUID | None = None) -> list[Row]:
        """Return all messages, or those of a person, oldest first."""
        query = "select * from messages where %s::uuid is null or person_id = %s order by id"
        return self.roster.rows(query, person, person)

    def states(self, person: UUID) -> list[str]:
        """Return the states of a person's messages, oldest first."""
        return [row["state"] for row in self.messages(person)]

    def pass_time(self, **how_long: int) -> None:
        """Make everything in the outbox older; whole days also move the days of the digests."""
        by = timedelta(**how_long)
        self.roster.db.execute(
            "update messages set created_at = created_at - %(by)s, due_at = due_at - %(by)s,"
            " expected_at = expected_at - %(by)s",
            {"by": by},
        )
        self.roster.db.execute(
            "update digests set began_at = began_at - %(by)s, changed_at = changed_at - %(by)s,"
            " day = day - %(days)s",
            {"by": by, "days": by.days},
        )


def unreachable(outbox: Outbox, email: str | None) -> str | None:
    """Ask why an e-mail to an address would not arrive; None: it would."""
    (row,) = outbox.roster.rows("select private.why_unreachable(%s, %s) as why", ORG, email)
    return row["why"]
