"""One seed decides the rosters of both sides, HLF's edits, the faults, and the order of work."""

import random
from datetime import date
from typing import TYPE_CHECKING, Any

from local.portal_manners import Fault, Manner
from portal_seeds.hlf import Hands
from support.aws import Clients
from support.cluster import Cluster
from support.delivery import work_off
from support.portal_wrappers import Meanwhile
from support.roster import ORG, Roster
from support.sync import PortalRows, SyncNight, open_sync

if TYPE_CHECKING:
    from collections.abc import Callable

MANNERS: tuple[Manner, ...] = ("small pages", "pages by cookie", "gzip")
FAULTS: tuple[Fault, ...] = (
    "down", "unavailable", "unavailable for a while", "throttled", "throttled by time",
    "throttled by concurrency", "throttled until a date", "throttled without a time", "answer lost",
    "token ended", "no JSON", "forbidden", "other business unit", "other record", "other object",
    "login throttled", "login unavailable", "login refused", "login page",
)  # fmt: skip
SHARE = 0.05
"""The share of requests that go wrong."""


def run_seed(seed: int, cluster: Cluster, aws: Clients) -> list[str]:
    """Sync twice during edits and faults, and twice without; return the violations.

    In the end portal and database agree, except for mentors that the run names as errors. No sync
    has created a mentor. The last sync has sent nothing, except for mentors who are named.
    """
    dice = random.Random(seed)  # noqa: S311 - a schedule, no secret
    with cluster.database(with_organisation=True) as db:
        roster = Roster(db)
        with open_sync(aws, roster, cluster, page_size=dice.randint(2, 6)) as night:
            return _Seed(night, roster, dice).play()


class _Seed:
    def __init__(self, night: SyncNight, roster: Roster, dice: random.Random) -> None:
        self._night, self._roster, self._dice = night, roster, dice
        self._mentors = roster.add_mentors(dice.randint(4, 9))
        for mentor in self._mentors:
            roster.certify(mentor, date(2099, 1, 1))  # so that anybody can be resumed
        self._rows = PortalRows(night.portal)
        self._saves_late = dice.random() < 1 / 3
        missing = dice.sample(self._mentors, dice.choice((0, 0, 1)))
        self._there = [m for m in self._mentors if m not in missing]
        self._rows.add(*self._there)
        self._hands = Hands(self._rows, [*map(str, self._mentors), "a stranger"], dice)
        for _ in range(dice.randint(0, 12)):
            self._hands.enter()
        night.draw = lambda ids: dice.sample(ids, len(ids))

    def play(self) -> list[str]:
        self._sync_in_trouble("night-1")
        self._sync_in_trouble("night-2")
        self._in_peace("night-3")
        found = self._check()
        self._night.forget()
        named = self._in_peace("night-4")
        sent = {path.partition("'")[2].partition("'")[0] for path in self._night.asked("PATCH")}
        if not sent <= named:
            found.append(f"the last sync sent {sorted(sent - named)} again")
        return found

    def _sync_in_trouble(self, trigger_id: str) -> None:
        night, dice = self._night, self._dice
        night.portal.manners = set(dice.sample(MANNERS, dice.randint(0, 3)))
        night.portal.page_size = dice.randint(1, 4)
        if self._saves_late:
            night.portal.manners.add("late saves")
        faults: list[Fault] = [
            dice.choice(FAULTS) if dice.random() < SHARE else "none" for _ in range(400)
        ]
        night.portal.faults = faults
        meanwhile: list[Callable[[], object]] = [
            dice.choice((self._hands.act, self._flip)) for _ in range(dice.randint(0, 8))
        ]
        night.take_from(lambda remaining: Meanwhile(night.open_portal(remaining), meanwhile))
        night.clock.advance(86400)
        night.fire(trigger_id)
        work_off(night, dice)

    def _flip(self) -> None:
        """Pause or resume a mentor in the database."""
        mentor = self._dice.choice(self._mentors)
        status = "paused" if self._roster.status(mentor) == "active" else "active"
        self._roster.db.execute(
            "select from update_mentor_status(%s, %s, %s, 'changed')", (mentor, ORG, status)
        )

    def _in_peace(self, trigger_id: str) -> set[str]:
        """Sync without edits and faults; return the mentors that the run names as errors."""
        night = self._night
        night.portal.faults, night.portal.manners = [], set()
        for _ in range(night.portal.late_requests + 1):
            night.portal.note("GET", "what was saved late is visible now")
        night.take_from(night.open_portal)
        night.clock.advance(86400)
        night.fire(trigger_id)
        work_off(night, self._dice)
        line: dict[str, Any] = night.lines("run completed")[-1]
        assert sum(e["count"] for e in line.get("errors", [])) == line["error_count"]
        return set(line["mentor_ids_errored"])

    def _check(self) -> list[str]:
        found: list[str] = []
        shown = self._rows.statuses()
        if set(shown) != {str(m) for m in self._there}:
            found.append("somebody was created, or is gone")
        named = set(self._night.lines("run completed")[-1]["mentor_ids_errored"])
        found += [
            f"{m} is {shown.get(str(m))} there and {self._roster.status(m)} here"
            for m in self._mentors
            if shown.get(str(m)) != self._roster.status(m) and str(m) not in named
        ]
        due = {i: v for i, v in self._hands.valid().items() if v[0] != "a stranger"}
        if (stored := self._stored()) != due:
            found.append(f"certifications: due {due}, stored {stored}")
        return found

    def _stored(self) -> dict[str, tuple[str, date]]:
        rows = self._roster.rows("select * from certifications where portal_id is not null")
        return {row["portal_id"]: (str(row["mentor_id"]), row["expires_on"]) for row in rows}
