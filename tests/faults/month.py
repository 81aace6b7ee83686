"""Thirty nights in a row on one database and one ledger, with faults in each: `make faults-month`.

Each night is a storm as in `faults/brake.py`: runs of the nightly job, approvals, releases,
withdrawals and messages. Then the sync has a storm. In half of the months the brake holds. Messages
of earlier nights come again, and some nights begin before the messages of the night before were
delivered. By day mentors renew for a few days or for long, here or in the portal, take leave, come
back, and join. The database's clock is moved with the clock of the night (Debian's package
`faketime`), so warnings and digests have real days.

The conservation check looks at the runs of each night when the night is over, and at all runs of
the month at its end. Further checks read the database alone, and compare the portal with it.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, override
from uuid import UUID

import psycopg

from faults.brake import BrakeStorm
from faults.post import Post
from faults.schedule import Schedule
from faults.seeds import (
    TINY,
    WIRES,
    Verdict,
    open_post,
    out_of_line,
    seeded_roster,
    statuses,
    verdict_of,
)
from faults.storm import Storm
from support.aws import Clients
from support.faked_clock import FakedCluster, ServerClock
from support.night import AS_DEPLOYED, Clock, Night, open_night, run_id
from support.post_office import Notifier, add_contact
from support.roster import ORG, TODAY, Roster
from support.sync import PortalRows, SyncNight, open_sync

NIGHTS = 30
_NIGHT, _NOON = 2, 12
_SETTLED = timedelta(seconds=4000)
"""After so long without a message the monitor ends a run."""

_PAUSED_EARLY = """
    select h.mentor_id from peer_mentor_status_history h
    join scheduler_execution_log l on l.job_run_id = h.job_run_id
    and l.status in ('running', 'completed', 'failed')
    where h.id > %s and h.reason = 'certification_expired' and l.as_of < (
        select max(c.expires_on) from certifications c where c.mentor_id = h.mentor_id
    )
"""
_RESUMED_EXPIRED = """
    select h.mentor_id from peer_mentor_status_history h
    join scheduler_execution_log l on l.job_run_id = h.job_run_id
    and l.status in ('running', 'completed', 'failed')
    where h.id > %s and h.reason = 'pause_withdrawn' and h.changed_at::date >= (
        select max(c.expires_on) from certifications c where c.mentor_id = h.mentor_id
    )
"""
_LEFT = """
    select m.id as mentor_id from peer_mentors m
    join scheduler_execution_log l on l.job_run_id = %s and l.status in ('completed', 'failed')
    where m.status = 'active' and l.as_of >= (
        select max(c.expires_on) from certifications c where c.mentor_id = m.id
    ) and not exists (
        select from plan_mentors e
        where e.job_run_id = l.job_run_id and e.mentor_id = m.id and e.action = 'hold'
    )
"""
_OUT_OF_STEP = """
    select m.id as mentor_id from peer_mentors m
    cross join lateral (
        select count(*) as changes, (array_agg(h.new_status order by h.id desc))[1] as status
        from peer_mentor_status_history h where h.mentor_id = m.id
    ) h
    where m.version <> 1 + h.changes or m.status <> coalesce(h.status, 'active')
"""


class Calendar:
    """Moves the clocks of the night and of the database together. Neither goes back."""

    def __init__(self, server: ServerClock, clock: Clock) -> None:
        """From now on the server's clock follows the night's."""
        self._server, self.clock = server, clock
        self._ahead = clock.now - datetime.now(UTC)
        self._move(0)
        clock.tell = self._move

    def _move(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)
        self._server.skew(self._ahead)

    def wait_until(self, hour: int) -> None:
        """Let it be this hour, UTC: today or tomorrow."""
        self.clock.now = now = datetime.now(UTC) + self._ahead
        later = now.replace(hour=hour, minute=0, second=0, microsecond=0)
        later += timedelta(days=later <= now)
        self.clock.advance((later - now).total_seconds())


class MonthPost(Post):
    """The post of a month: days pass by the calendar, and no message is in two letters."""

    def __init__(self, calendar: Calendar, roster: Roster, *parts: Any) -> None:
        """`parts` are those of any post."""
        super().__init__(*parts)
        self._calendar, self._roster = calendar, roster
        self._noted = 0
        self._covered: Counter[tuple[int, int]] = Counter()
        """How many letters covered a message while it named so many mentors."""

    @override
    def weather(self, roster: Roster) -> None:
        """Send in the storm."""
        self.send_in_storm()

    @override
    def _send(self, notifier: Notifier) -> None:
        super()._send(notifier)
        self._note_messages()

    def _note_messages(self) -> None:
        new = self.office.letters[self._noted :]
        self._noted = len(self.office.letters)
        self._covered.update(
            (row["id"], row["mentors"])
            for row in self._roster.rows(
                "select id, cardinality(mentor_ids) as mentors from messages"
                " where digest_id = any(%s)",
                [letter.digest_id for letter in new],
            )
        )

    @override
    def _next_day(self, roster: Roster) -> None:
        self._calendar.wait_until(_NOON)

    @override
    def _check_the_day(self) -> None:
        """Each digest has its day; `violations` looks at all of them."""

    @override
    def violations(self, roster: Roster) -> Iterator[str]:
        """Yield also the messages that were sent again on a later day."""
        yield from super().violations(roster)
        if again := sum(times > 1 for times in self._covered.values()):
            yield f"post: sent again: {again} messages were in more than one letter"
        letters = {letter.digest_id: letter.to for letter in self.office.letters}
        days = Counter(
            (letters[row["id"]], row["day"])
            for row in roster.rows("select id, day from digests where not is_urgent")
            if row["id"] in letters
        )
        if crowded := sum(times > 1 for times in days.values()):
            yield f"post: one a day: on {crowded} days a person got more than one letter"


class MonthSync(Storm):
    """The syncs of the nights, on the ledger of the other job."""

    def __init__(
        self, night: SyncNight, schedule: Schedule, dice: random.Random, roster: Roster
    ) -> None:
        """The portal knows nobody yet."""
        super().__init__(night, schedule, dice, roster)
        self.as_of = None
        self.portal = PortalRows(night.portal)
        self._sync, self._checked = night, 0

    def rage(self, name: str) -> None:
        """Sync in the storm of a night."""
        self.name = f"sync of {name}"
        self._rage()

    def settle(self) -> Iterator[str]:
        """End what is left, sync in calm weather, and yield what is wrong."""
        self._drain()
        self._fire_calmly(f"{self.name} in calm")
        self._drain()
        self.night.clock.advance(_SETTLED.total_seconds())
        self._monitor()
        for trigger_id in self.triggers[self._checked :]:
            yield from self._of_run(trigger_id, self.night.job)
        self._checked = len(self.triggers)
        mentors = statuses(self._roster)
        paused = {row["id"] for row in mentors if row["status"] == "paused"}
        yield from out_of_line(self._sync, self.portal, paused, len(mentors))


class MonthStorm(BrakeStorm):
    """Many nights, each a storm."""

    def __init__(
        self,
        night: Night,
        schedule: Schedule,
        dice: random.Random,
        roster: Roster,
        sync: MonthSync,
    ) -> None:
        """The brake holds in half of the months, and otherwise only tells."""
        self.sync = sync
        super().__init__(night, schedule, dice, roster)
        self.as_of = None
        self._holds = dice.random() < 1 / 2
        if not self._holds:
            roster.db.execute("update organisation_settings set brake_mode = 'watch'")
        self._steps = (*[str] * 6, self._release_twice, self._withdraw)
        self._last_row = self._runs = self._asked = 0
        """The last row of history that was checked, and how many triggers and withdrawals."""

    @override
    def _add_people(self) -> tuple[list[UUID], list[UUID]]:
        """Add mentors of whom some have expired, a coordinator and an administrator."""
        roster, dice = self._roster, self._dice
        mentors = roster.add_mentors(dice.randint(1, 4))
        for _ in range(dice.randint(3, 6)):
            mentors.append(roster.add_mentor(TODAY + timedelta(dice.randint(1, 45))))
        roster.add_coordinator(chapters=[roster.chapter_id])
        roster.db.execute(
            "insert into org_members values (%s, %s, 'admin')", (ORG, roster.new_id())
        )
        self.sync.portal.add(*mentors)
        return mentors, []

    def live(self, nights: int, calendar: Calendar, post: MonthPost) -> list[str]:
        """Live through the nights; return what was found, each with its night."""
        self.post = post
        for number in range(nights):
            self.name = f"night-{number + 1}"
            self._schedule.begin()
            self._schedule.tell(f"{self.name}: begins at {calendar.clock.now}")
            post.schedule.begin()
            self._rage()
            self._check_history()
            self.sync.rage(self.name)
            self._schedule.stop()
            is_over = number == nights - 1 or self._dice.random() < 4 / 5
            if is_over:
                self._settle()
            else:  # a request may wait for 23 hours; then the next night replaces it
                self.forget_promises()
                self.sync.forget_promises()
            self._check_history()
            if is_over:
                self._wrong += [f"{self.name}: {wrong}" for wrong in self._of_runs()]
            post.schedule.arrive()
            if calendar.clock.now.hour < _NOON:
                calendar.wait_until(_NOON)
            post.send_in_storm()
            self._live_a_day(calendar.clock.now.date())
            calendar.wait_until(_NIGHT)
        post.calm(self._roster)
        return [*self.violations(self._roster), *self.sync.violations(self._roster)]

    def _settle(self) -> None:
        """Deliver what is left, and end what hangs; perhaps release a plan, and run once more."""
        self._end_all()
        if self._dice.random() < 1 / 4:
            self._release_twice()
        self._fire_calmly(f"{self.name} in calm")
        self._end_all()
        self._check_history()
        self._wrong += [f"{self.name}: {wrong}" for wrong in self.sync.settle()]

    def _end_all(self) -> None:
        for _ in range(3):
            self._drain()
            self.night.clock.advance(_SETTLED.total_seconds())
            self._monitor()

    def _check_history(self) -> None:
        """Look at what has changed since the last time: a sync may renew a mentor afterwards."""
        self._wrong += [f"{self.name}: {wrong}" for wrong in self._of_history()]

    def _of_history(self) -> Iterator[str]:
        if wrong := self._ids(_PAUSED_EARLY, self._last_row):
            yield f"paused early: {len(wrong)} mentors whose certification had not expired"
        if wrong := self._ids(_RESUMED_EXPIRED, self._last_row):
            yield f"resumed: {len(wrong)} mentors whose certification had expired"
        if wrong := self._ids(_OUT_OF_STEP):
            yield f"out of step: {len(wrong)} mentors have another status than their history"
        self._note_history()

    def _note_history(self) -> None:
        self._last_row = max((row["id"] for row in self._roster.history()), default=0)

    def _of_runs(self) -> Iterator[str]:
        for trigger_id in self.triggers[self._runs :]:
            yield from self._of_run(trigger_id, self.night.job)
        for trigger_id in dict.fromkeys(self._withdrawals[self._asked :]):
            yield from self._of_run(trigger_id, "withdrawal")
        self._runs, self._asked = len(self.triggers), len(self._withdrawals)
        if left := self._ids(_LEFT, run_id(f"{self.name} in calm")):
            yield f"everybody: {len(left)} expired mentors are active and not held"
        for row in self._roster.log():
            if row["status"] == "running":
                yield f"rows: {row['triggered_by']} is still running"

    def _live_a_day(self, today: date) -> None:
        """Let people do what they do by day."""
        if self._dice.random() < 1 / 6:
            mentor = self._roster.add_mentor(today + timedelta(self._dice.randint(-3, 35)))
            add_contact(self._roster, mentor, f"{mentor.hex}@example.com")
            self.sync.portal.add(mentor)
            self.unforeseen.append(mentor)
        for mentor in self.unforeseen:
            self._live_day_of(mentor, today)
        self._note_history()

    def _live_day_of(self, mentor: UUID, today: date) -> None:
        chance = self._dice.random()
        if chance < 1 / 6:
            days = self._dice.choice((1, 3, 9, 20, 20, 400))
            self._roster.certify(mentor, today + timedelta(days))
            if self._roster.status(mentor) == "paused" and self._dice.random() < 2 / 3:
                self._set(mentor, "active")
        elif chance < 1 / 4:
            until = today + timedelta(self._dice.choice((3, 20, 400)))
            self.sync.portal.certify(mentor, until, self.night.clock.now)
        elif chance > 39 / 40:
            self._take_leave_or_come_back(mentor, today)

    def _take_leave_or_come_back(self, mentor: UUID, today: date) -> None:
        if self._roster.status(mentor) == "paused":
            self._roster.certify(mentor, today + timedelta(20))
            self._set(mentor, "active")
        else:
            self._set(mentor, "paused")

    @override
    def _wrong_changes(self) -> Iterator[str]:
        """Yield pauses without the approval that they needed, and a release that ran twice."""
        yield from super()._wrong_changes() if self._holds else ()


def run_month(
    seed: int,
    faked: FakedCluster,
    aws: Clients,
    nights: int = NIGHTS,
    build: type[Night] = Night,
    breaks: Callable[[psycopg.Connection], object] = bool,
) -> Verdict:
    """Run the month of a seed. `breaks` breaks the database first."""
    dice = random.Random(f"month {seed}")  # noqa: S311 - a schedule, no secret
    faked.clock.skew(Clock().now - datetime.now(UTC))
    with faked.cluster.database(with_organisation=True) as db:
        breaks(db)
        roster, schedule = seeded_roster(db, seed), Schedule(dice)
        size, kind, sizes = dice.randint(1, 4), dice.choice(WIRES), dice.choice((AS_DEPLOYED, TINY))
        with (
            open_night(aws, roster, faked.cluster, schedule, size, kind, build, sizes) as night,
            open_sync(aws, roster, faked.cluster, size, schedule, kind, night) as sync_night,
        ):
            schedule.tell = lambda text: night.output.write(json.dumps({"message": text}) + "\n")
            calendar = Calendar(faked.clock, night.clock)
            sync = MonthSync(sync_night, schedule, dice, roster)
            storm = MonthStorm(night, schedule, dice, roster, sync)
            night.seconds_left = sync_night.seconds_left = storm.seconds_left
            make = partial(MonthPost, calendar, roster)
            with open_post(seed, roster, faked.cluster, build.notifier_class, make) as post:
                found = storm.live(nights, calendar, post)
            return verdict_of(seed, found, schedule, night, post)
