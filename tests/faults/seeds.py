"""One seed decides the roster, the transport, every fault and the way of every message."""

import json
import random
from collections import Counter
from collections.abc import Callable, Collection, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import psycopg

from faults.post import Post
from faults.schedule import Schedule
from faults.storm import Storm
from mentor_pause.database.pooled import PooledTransport
from mentor_pause.engine.completion import Batches
from portal_drift.measure import MeasureDrift
from support.aws import Clients
from support.cluster import Cluster
from support.night import AS_DEPLOYED, Night, Sizes, open_night
from support.post_office import Notifier, add_contact, add_member_contact
from support.roster import ORG, TOMORROW, Roster
from support.sync import PortalRows, SyncNight, open_sync, pause
from support.transports import CountingTransport, TransportKind

WIRES: tuple[TransportKind, ...] = ("pooled", "REST")
TINY = Sizes(shard=2, batches=Batches(ids_per_line=1, pages=2, notified=2))
"""Every run of a few mentors then has what a run of a million has: shards, lines, batches."""

_MONDAY, _UNTIL = datetime(2026, 11, 2, 8, tzinfo=UTC), date(2028, 5, 31)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a seed."""

    seed: int
    violations: list[str]
    counts: Counter[tuple[str, str]]
    """The number of injected faults, by fault and by seam."""
    log: str
    """The night's log lines, with a line for each external call and its fault."""


def run_seed(seed: int, cluster: Cluster, aws: Clients, build: type[Night] = Night) -> Verdict:
    """Run the night of a seed: usually of the expiry job, otherwise of the sync."""
    dice = random.Random(seed)  # noqa: S311 - a schedule, no secret
    is_sync = build is Night and dice.random() < 1 / 4
    with cluster.database(with_organisation=True) as db:
        roster, schedule = seeded_roster(db, seed), Schedule(dice)
        if is_sync:
            return _sync(seed, roster, schedule, dice, cluster, aws)
        return _expiry(seed, roster, schedule, dice, cluster, aws, build)


def seeded_roster(db: psycopg.Connection, seed: int) -> Roster:
    """Return a roster whose ids are the same each time: pages and lists are in id order."""
    dice = random.Random(f"ids {seed}")  # noqa: S311 - a schedule, no secret
    return Roster(db, lambda: UUID(int=dice.getrandbits(128), version=4))


def _expiry(
    seed: int,
    roster: Roster,
    schedule: Schedule,
    dice: random.Random,
    cluster: Cluster,
    aws: Clients,
    build: type[Night],
) -> Verdict:
    expired = _people(roster, dice)
    others = {row["id"]: row["status"] for row in statuses(roster) if row["id"] not in expired}
    kind, size = dice.choice(WIRES), dice.randint(1, 4)
    sizes = dice.choice((AS_DEPLOYED, TINY))
    roster.make_it(12)
    with (
        open_night(aws, roster, cluster, schedule, size, kind, build, sizes) as night,
        open_post(seed, roster, cluster, build.notifier_class) as post,
    ):
        found = _weather(night, roster, schedule, dice, post)
        found += _everybody(roster, expired, others)
        return verdict_of(seed, found, schedule, night, post)


@contextmanager
def open_post[P: Post](
    seed: int,
    roster: Roster,
    cluster: Cluster,
    build: type[Notifier] = Notifier,
    make: Callable[..., P] = Post,
) -> Generator[P]:
    """Give most people an address, and send with faults of its own."""
    dice = random.Random(f"post {seed}")  # noqa: S311 - a schedule, no secret
    for number, row in enumerate(roster.rows("select id from peer_mentors order by id")):
        if dice.random() < 3 / 4:
            add_contact(roster, row["id"], f"m{number}@example.com", dice.choice(("nb", "en")))
    for number, row in enumerate(roster.rows("select user_id from org_members order by user_id")):
        add_member_contact(roster, row["user_id"], f"c{number}@example.com")
    url = cluster.url(roster.db, "mentor_pause_notifier")
    schedule = Schedule(dice)
    with closing(PooledTransport(url)) as transport:
        yield make(CountingTransport(transport, schedule), schedule, dice, build)


def _sync(
    seed: int,
    roster: Roster,
    schedule: Schedule,
    dice: random.Random,
    cluster: Cluster,
    aws: Clients,
) -> Verdict:
    mentors = roster.add_mentors(dice.randint(2, 7))
    size, kind = dice.randint(1, 4), dice.choice(WIRES)
    with open_sync(aws, roster, cluster, size, schedule, kind) as night:
        night.draw = lambda ids: dice.sample(ids, len(ids))
        night.take_from(night.open_portal)
        portal = PortalRows(night.portal)
        portal.add(*mentors)
        for mentor in mentors[::2]:
            pause(roster, mentor)
            portal.certify(mentor, _UNTIL, _MONDAY)
        found = _weather(night, roster, schedule, dice)
        found += out_of_line(night, portal, mentors[::2], len(mentors))
        return verdict_of(seed, found, schedule, night)


def _weather(
    night: Night,
    roster: Roster,
    schedule: Schedule,
    dice: random.Random,
    post: Post | None = None,
) -> list[str]:
    schedule.tell = lambda text: night.output.write(json.dumps({"message": text}) + "\n")
    storm = Storm(night, schedule, dice, roster, post)
    night.seconds_left = storm.seconds_left
    storm.pass_over()
    return list(storm.violations(roster))


def verdict_of(
    seed: int, found: list[str], schedule: Schedule, night: Night, post: Post | None = None
) -> Verdict:
    """Return what was found, with the faults and the log lines of the night and its post."""
    counts, log = schedule.counts, night.output.getvalue()
    if post is not None:
        counts, log = counts + post.schedule.counts, log + post.output
    return Verdict(seed, found, counts, log)


def _people(roster: Roster, dice: random.Random) -> list[UUID]:
    """Add expired mentors and mentors who must not be changed; return the expired ones."""
    away = roster.add_chapter()
    expired = roster.add_mentors(dice.randint(1, 8))
    expired += [roster.add_mentor(chapter_id=away) for _ in range(dice.randint(0, 3))]
    roster.add_mentor(TOMORROW)
    roster.add_mentor(status="paused")
    roster.add_mentor(status="inactive")
    roster.add_coordinator(chapters=[roster.chapter_id])
    roster.add_coordinator(chapters=[away], mentors=expired[:2])
    return expired


def statuses(roster: Roster) -> list[dict[str, Any]]:
    """Return the id and the status of each mentor."""
    return roster.rows("select id, status from peer_mentors")


def _everybody(
    roster: Roster, expired: list[UUID], others: dict[UUID | str, UUID | str]
) -> list[str]:
    """After the next night every expired mentor is paused with one row, and no other mentor."""
    now = {row["id"]: row["status"] for row in statuses(roster)}
    found = [f"all: everybody: {m} is not paused" for m in expired if now[m] != "paused"]
    found += [
        f"all: everybody: {m} was touched" for m, status in others.items() if now[m] != status
    ]
    changed = Counter(row["mentor_id"] for row in roster.history())
    if changed != Counter(expired):
        found.append(f"all: everybody: {changed.total()} history rows for {len(expired)} mentors")
    return found


def out_of_line(
    night: SyncNight, portal: PortalRows, paused: Collection[UUID], known: int
) -> list[str]:
    """Say where the portal differs from the database: its mentors' states, and their number."""
    measure = MeasureDrift(ORG, night.drift_database, night.open_portal, night.now)
    found = [f"all: in line: {one} differs" for one in measure(lambda: 60).differences]
    if portal.paused() != {str(mentor) for mentor in paused}:
        found.append("all: in line: the portal shows others as paused")
    if len(portal.statuses()) != known:
        found.append(f"all: in line: the portal has {len(portal.statuses())} of {known} mentors")
    return found
