"""Many callers change one mentor at the same moment, each on its own connection (S1, S2)."""

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

type Result = StatusChange | Conflict


class Race:
    """The callers, each with an open connection, and a barrier to start them together."""

    def __init__(self, people: People, stack: ExitStack) -> None:
        """Open a connection for each caller."""
        self.mentor_id = people.mentor_id
        users = {name: name.replace("by_version", "by_assignment") for name in CALLERS}
        self._clients = {
            name: stack.enter_context(people.client_of(as_)) for name, as_ in users.items()
        }
        self._pool = stack.enter_context(ThreadPoolExecutor(len(CALLERS)))

    def run(self, callers: tuple[str, ...], status: Status, version: int) -> dict[str, Result]:
        """Let these callers request a status at the same moment; return each caller's result."""
        line = threading.Barrier(len(callers))

        def attempt(name: str) -> Result:
            line.wait()
            return self._ask(name, self._clients[name], status, version)

        return dict(zip(callers, self._pool.map(attempt, callers), strict=True))

    def _ask(self, name: str, client: Database, status: Status, version: int) -> Result:
        try:
            if name == "job":
                return client.pause_expired(self.mentor_id, ORG, uuid4(), TODAY)
            seen = version if name == "by_version" else None
            return client.change_status(self.mentor_id, ORG, status, "on_leave", seen)
        except Conflict as refusal:
            return refusal

    def client_of(self, name: str) -> Database:
        """Return a caller's database client."""
        return self._clients[name]

    def all_at_once(self, calls: list[Callable[[], None]]) -> None:
        """Make calls at the same moment, and wait for them."""
        for done in [self._pool.submit(call) for call in calls]:
            done.result()


@pytest.fixture
def people(roster: Roster, cluster: Cluster) -> People:
    """One mentor and every person who may change them, with a limit of a thousand changes."""
    roster.db.execute(
        "create or replace function private.changes_per_hour() returns integer language sql"
        " immutable set search_path = pg_catalog, pg_temp as 'select 1000'"
    )
    return People(roster, cluster)


@pytest.fixture
def race(people: People) -> Iterator[Race]:
    """All callers, connected."""
    with ExitStack() as stack:
        yield Race(people, stack)


def combination_of(callers: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Return each combination of two or more, again and again."""
    sizes = range(2, len(callers) + 1)
    return cycle([c for size in sizes for c in combinations(callers, size)])


def check_loser(name: str, result: Result, status: Status, version: int) -> None:
    """Check the result of a caller who lost."""
    if name == "job":
        assert isinstance(result, StatusChange)
        assert result.outcome == "not_active"
        return
    assert isinstance(result, Conflict)
    if name == "by_version":
        assert isinstance(result, VersionConflict)
        assert result.detail == f"expected version {version}, actual {version + 1}"
    else:
        others = "paused or inactive" if name == "service" else "paused"
        other = "active" if status == "paused" else others
        assert result.hint == "transition_not_allowed"
        assert result.detail == f"expected {other}, actual {status}"


def check_chain(history: list[dict[str, Any]], first: str, last: str) -> None:
    """Check that each row of the history begins with the state in which the row before it ended."""
    states = [first, *(row["new_status"] for row in history)]
    assert [row["previous_status"] for row in history] == states[:-1]
    assert states[-1] == last
    moments = [row["changed_at"] for row in history]
    assert moments == sorted(moments)


@pytest.mark.slow
def test_a_thousand_races_have_one_winner_each(race: Race, people: People) -> None:
    """S1, S2: every combination of callers, who pause and resume in turn."""
    pausing, resuming = combination_of(CALLERS), combination_of(CALLERS[:-1])
    winners: list[str] = []
    for version in range(1, RACES + 1):
        status: Status = "paused" if version % 2 else "active"
        callers = next(pausing if status == "paused" else resuming)
        people.expire(TODAY if status == "paused" else FAR_OFF)
        results = race.run(callers, status, version)
        won = [
            name for name, answer in results.items()
            if isinstance(answer, StatusChange) and answer.outcome == "changed"
        ]  # fmt: skip
        assert len(won) == 1, results
        for loser in results.keys() - won:
            check_loser(loser, results[loser], status, version)
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


def test_the_history_is_the_sequence_of_states_whatever_callers_request(
    race: Race, people: People
) -> None:
    """S1: callers pause and resume at random. Each version has exactly one winner."""
    won: list[int] = []

    def toggle(name: str) -> None:
        dice = random.Random(name)  # noqa: S311 - which of two states to ask for
        for _ in range(60):
            wanted: Status = dice.choice(("active", "paused"))
            try:
                answer = race.client_of(name).change_status(
                    people.mentor_id, ORG, wanted, "on_leave"
                )
            except Conflict:
                continue
            won.append(answer.version)

    race.all_at_once([lambda name=name: toggle(name) for name in PEOPLE])
    assert sorted(won) == list(range(2, len(won) + 2))
    assert len(people.roster.history()) == len(won)
    check_chain(people.roster.history(), "active", people.roster.status(people.mentor_id))


def test_a_caller_that_is_overtaken_three_times_succeeds(race: Race, people: People) -> None:
    """S2: another caller pauses and resumes between each read and change."""
    overtaken: Any = Overtaken(race.client_of("mentor"), people, times=3)
    answer = change_status(overtaken, people.mentor_id, ORG, "paused", "on_leave")
    assert (answer.outcome, answer.version) == ("changed", 8)
    assert overtaken.looked == 4
    assert len(people.roster.history()) == 7


def test_a_caller_that_is_overtaken_a_fourth_time_gets_the_error(
    race: Race, people: People
) -> None:
    """S2: after three retries, the error has expected and actual."""
    overtaken: Any = Overtaken(race.client_of("mentor"), people, times=4)
    with pytest.raises(VersionConflict) as raised:
        change_status(overtaken, people.mentor_id, ORG, "paused", "on_leave")
    assert raised.value.detail == "expected version 7, actual 9"
    assert overtaken.looked == 4
    assert people.roster.status(people.mentor_id) == "active"


def test_only_a_version_conflict_is_tried_again(race: Race, people: People) -> None:
    """S2: a mentor who is paused already is not changed."""
    with people.client_of("service") as service:
        service.change_status(people.mentor_id, ORG, "paused", "on_leave")
    overtaken: Any = Overtaken(race.client_of("mentor"), people, times=0)
    with pytest.raises(Conflict) as raised:
        change_status(overtaken, people.mentor_id, ORG, "paused", "on_leave")
    assert (raised.value.hint, overtaken.looked) == ("transition_not_allowed", 1)


class Overtaken:
    """A database client that is overtaken `times` times, each time just after a read."""

    def __init__(self, inner: Database, people: People, times: int) -> None:
        self._inner = inner
        self._people = people
        self._times = times
        self.looked = 0
        self.change_status = inner.change_status

    def get_mentor_status(self, mentor_id: Any, org_id: Any) -> Any:
        """Read; then another caller pauses and resumes."""
        seen = self._inner.get_mentor_status(mentor_id, org_id)
        self.looked += 1
        if self.looked <= self._times:
            with self._people.client_of("service") as service:
                for status in ("paused", "active"):
                    service.change_status(mentor_id, org_id, status, "on_leave")
        return seen


def test_all_combinations_are_tried() -> None:
    """Two or more of six callers are 57 combinations."""
    assert len(set(islice(combination_of(CALLERS), 57))) == 57
