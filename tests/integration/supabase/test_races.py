"""Many callers change one mentor at the same moment, each on a connection of its own (S1, S2)."""

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import combinations, cycle, islice
from typing import Any
from uuid import uuid4

import pytest

from mentor_pause.database.change_status import change_status
from mentor_pause.database.client import Database, StatusChange
from mentor_pause.domain.mentors import Status
from mentor_pause.errors import Conflict, VersionConflict
from support.cluster import Cluster
from support.people import FAR_OFF, People
from support.roster import ORG, TODAY, Roster

PEOPLE = ("mentor", "by_assignment", "by_chapter", "service")
CALLERS = (*PEOPLE, "by_version", "job")
"""`by_version` is a coordinator whose app passes the version that it saw."""
RACES = 1000

type RunRequest = StatusChange | Conflict


class Field:
    """The callers, each with an open door, and a start line."""

    def __init__(self, people: People, stack: ExitStack) -> None:
        """Open everybody's door."""
        self.mentor_id = people.mentor_id
        users = {name: name.replace("by_version", "by_assignment") for name in CALLERS}
        self._doors = {name: stack.enter_context(people.door(as_)) for name, as_ in users.items()}
        self._pool = stack.enter_context(ThreadPoolExecutor(len(CALLERS)))

    def race(self, callers: tuple[str, ...], status: Status, version: int) -> dict[str, RunRequest]:
        """Let these callers ask for one status at the same moment; return what each was told."""
        line = threading.Barrier(len(callers))

        def attempt(name: str) -> RunRequest:
            line.wait()
            return self._ask(name, self._doors[name], status, version)

        return dict(zip(callers, self._pool.map(attempt, callers), strict=True))

    def _ask(self, name: str, door: Database, status: Status, version: int) -> RunRequest:
        try:
            if name == "job":
                return door.pause_expired(self.mentor_id, ORG, uuid4(), TODAY)
            seen = version if name == "by_version" else None
            return door.change_status(self.mentor_id, ORG, status, "on_leave", seen)
        except Conflict as refusal:
            return refusal

    def door(self, name: str) -> Database:
        """Return a caller's door."""
        return self._doors[name]

    def all_at_once(self, calls: list[Callable[[], None]]) -> None:
        """Make calls at the same moment, and wait for them."""
        for done in [self._pool.submit(call) for call in calls]:
            done.result()


@pytest.fixture
def people(roster: Roster, cluster: Cluster) -> People:
    """One mentor, and everybody who may change them, a thousand times an hour."""
    roster.db.execute(
        "create or replace function private.changes_per_hour() returns integer language sql"
        " immutable set search_path = pg_catalog, pg_temp as 'select 1000'"
    )
    return People(roster, cluster)


@pytest.fixture
def field(people: People) -> Iterator[Field]:
    """Everybody at the start line."""
    with ExitStack() as stack:
        yield Field(people, stack)


def combination_of(callers: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Return every combination of two or more, over and over."""
    sizes = range(2, len(callers) + 1)
    return cycle([c for size in sizes for c in combinations(callers, size)])


def check_told(name: str, told: RunRequest, status: Status, version: int) -> None:
    """Check that a loser was told what happened."""
    if name == "job":
        assert isinstance(told, StatusChange)
        assert told.outcome == "not_active"
        return
    assert isinstance(told, Conflict)
    if name == "by_version":
        assert isinstance(told, VersionConflict)
        assert told.detail == f"expected version {version}, actual {version + 1}"
    else:
        others = "paused or inactive" if name == "service" else "paused"
        other = "active" if status == "paused" else others
        assert told.hint == "transition_not_allowed"
        assert told.detail == f"expected {other}, actual {status}"


def check_chain(history: list[dict[str, Any]], first: str, last: str) -> None:
    """Check that each row of the history begins where the one before it ended."""
    states = [first, *(row["new_status"] for row in history)]
    assert [row["previous_status"] for row in history] == states[:-1]
    assert states[-1] == last
    moments = [row["changed_at"] for row in history]
    assert moments == sorted(moments)


def test_a_thousand_races_have_one_winner_each(field: Field, people: People) -> None:
    """S1, S2: every combination of callers; pause and resume in turn."""
    pausing, resuming = combination_of(CALLERS), combination_of(CALLERS[:-1])
    winners: list[str] = []
    for version in range(1, RACES + 1):
        status: Status = "paused" if version % 2 else "active"
        callers = next(pausing if status == "paused" else resuming)
        people.expire(TODAY if status == "paused" else FAR_OFF)
        told = field.race(callers, status, version)
        won = [
            name for name, answer in told.items()
            if isinstance(answer, StatusChange) and answer.outcome == "changed"
        ]  # fmt: skip
        assert len(won) == 1, told
        for loser in told.keys() - won:
            check_told(loser, told[loser], status, version)
        winners += won
    history = people.roster.history()
    assert len(history) == RACES
    check_chain(history, "active", people.roster.status(people.mentor_id))
    assert set(winners) == set(CALLERS), "a caller who never wins did not race"
    role = {
        "mentor": "mentor", "by_assignment": "coordinator", "by_chapter": "coordinator",
        "by_version": "coordinator", "service": "service", "job": "job",
    }  # fmt: skip
    assert [row["changed_by_role"] for row in history] == [role[name] for name in winners]


def test_whatever_everybody_asks_for_the_history_is_the_sequence_of_states(
    field: Field, people: People
) -> None:
    """S1: callers who pause and resume as they like; each version is won by exactly one."""
    won: list[int] = []

    def toggle(name: str) -> None:
        dice = random.Random(name)  # noqa: S311 - which of two states to ask for
        for _ in range(60):
            wanted: Status = dice.choice(("active", "paused"))
            try:
                answer = field.door(name).change_status(people.mentor_id, ORG, wanted, "on_leave")
            except Conflict:
                continue
            won.append(answer.version)

    field.all_at_once([lambda name=name: toggle(name) for name in PEOPLE])
    assert sorted(won) == list(range(2, len(won) + 2))
    assert len(people.roster.history()) == len(won)
    check_chain(people.roster.history(), "active", people.roster.status(people.mentor_id))


def test_who_is_overtaken_looks_again_and_succeeds(field: Field, people: People) -> None:
    """S2: between the look and the change somebody pauses and resumes, three times over."""
    overtaken: Any = Overtaken(field.door("mentor"), people, times=3)
    answer = change_status(overtaken, people.mentor_id, ORG, "paused", "on_leave")
    assert (answer.outcome, answer.version) == ("changed", 8)
    assert overtaken.looked == 4
    assert len(people.roster.history()) == 7


def test_who_is_overtaken_a_fourth_time_is_told(field: Field, people: People) -> None:
    """S2: three retries, then the error with expected and actual."""
    overtaken: Any = Overtaken(field.door("mentor"), people, times=4)
    with pytest.raises(VersionConflict) as raised:
        change_status(overtaken, people.mentor_id, ORG, "paused", "on_leave")
    assert raised.value.detail == "expected version 7, actual 9"
    assert overtaken.looked == 4
    assert people.roster.status(people.mentor_id) == "active"


def test_who_finds_it_done_is_not_made_to_win(field: Field, people: People) -> None:
    """S2: only a conflict of versions is tried again."""
    with people.door("service") as service:
        service.change_status(people.mentor_id, ORG, "paused", "on_leave")
    overtaken: Any = Overtaken(field.door("mentor"), people, times=0)
    with pytest.raises(Conflict) as raised:
        change_status(overtaken, people.mentor_id, ORG, "paused", "on_leave")
    assert (raised.value.hint, overtaken.looked) == ("transition_not_allowed", 1)


class Overtaken:
    """A database client whose user is overtaken `times` times, each time just after a look."""

    def __init__(self, inner: Database, people: People, times: int) -> None:
        self._inner = inner
        self._people = people
        self._times = times
        self.looked = 0
        self.change_status = inner.change_status

    def get_mentor_status(self, mentor_id: Any, org_id: Any) -> Any:
        """Look; then somebody pauses and resumes."""
        seen = self._inner.get_mentor_status(mentor_id, org_id)
        self.looked += 1
        if self.looked <= self._times:
            with self._people.door("service") as service:
                for status in ("paused", "active"):
                    service.change_status(mentor_id, org_id, status, "on_leave")
        return seen


def test_the_combinations_are_all_there() -> None:
    """Two or more of six callers: 57."""
    assert len(set(islice(combination_of(CALLERS), 57))) == 57
