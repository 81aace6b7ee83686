"""Clocks of single components that are an hour or a day off (R1, E1, O1, O2).

In each case, a first night runs with the wrong clock, a second night runs with correct clocks, and
a third night does not run. The results are rows of the table in the decision record.
"""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from local.places import ROOT
from support.aws import Clients
from support.faked_clock import FakedCluster, open_faked_cluster
from support.night import Night, open_night, run_id
from support.roster import Roster
from support.skew import Component, at, ledger_clock, skew_worker, skewed_monitor

TABLE = ROOT / "docs/decisions/0032-one-clock.md"
SKEWS = {
    "1 h behind": timedelta(hours=-1),
    "1 h ahead": timedelta(hours=1),
    "1 day behind": timedelta(days=-1),
    "1 day ahead": timedelta(days=1),
}


@pytest.fixture(scope="module")
def faked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakedCluster]:
    """A server whose clock the test sets."""
    with open_faked_cluster(tmp_path_factory.mktemp("faked")) as found:
        yield found


class Case:
    """A night in which one component has a wrong clock."""

    def __init__(
        self,
        aws: Clients,
        night: Night,
        faked: FakedCluster,
        roster: Roster,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """Four mentors expired in February; one each expires on 1, 2 and 3 March."""
        self._aws, self.night, self._faked, self._roster = aws, night, faked, roster
        self._capsys = capsys
        february = [date(2026, 2, 27)] * 4
        march = [date(2026, 3, day) for day in (1, 2, 3)]
        self._mentors = [(day, roster.add_mentor(day)) for day in (*february, *march)]
        self._database_ahead = timedelta()

    def fire(self, trigger_id: str) -> None:
        """Start a run about today."""
        answer = self.night.fire(trigger_id, None, dispatch=self._dispatch)
        assert answer["status"] == "running"

    def move_to(self, time_zone: str) -> None:
        """Change the organisation's time zone."""
        self._roster.db.execute("update organisations set time_zone = %s", (time_zone,))

    def skew(self, component: Component | None, ahead: timedelta) -> None:
        """Set the clock of one component wrong, and all other clocks right."""

        def clock_of(one: Component) -> timedelta:
            return ahead if one == component else timedelta()

        clocks = {
            one: ledger_clock(self._aws, self.night, clock_of(one))
            for one in ("dispatcher", "worker", "monitor")
        }
        self._dispatch = self.night.dispatcher(clocks["dispatcher"])
        skew_worker(self.night, clocks["worker"])
        self._monitor = skewed_monitor(self.night, self._capsys, clocks["monitor"])
        self._database_ahead = clock_of("database")

    def let_it_be(self, *moment: int) -> None:
        """Set the true time. The database's clock is off by its skew."""
        self.night.clock.now = at(*moment)
        self._faked.clock.set(at(*moment) + self._database_ahead)

    def run(self, day: int) -> tuple[int, int, int]:
        """Run a day's night; return hung runs, 1 if the night was missed, and stale mentors."""
        self.let_it_be(day, 2, 0)
        self.fire(f"night-{day}")
        first, *_ = messages = self.night.receive()
        assert self.night.deliver(first)
        self.let_it_be(day, 2, 30)
        hung = self._monitor()["hung_runs"]
        assert isinstance(hung, dict)
        for message in messages[1:]:
            assert self.night.deliver(message)
        return (len(hung), *self.look(day, 3, 30))

    def look(self, *moment: int) -> tuple[int, int]:
        """Run the monitor; return 1 if the night was missed, and the number of stale mentors."""
        self.let_it_be(*moment)
        found = self._monitor()
        assert found["failed"] == {}
        hours = found["hours_since_completed_run"]
        assert hours is None or (isinstance(hours, float) and hours >= 0)
        missed, stale = found["night_missed"], found["stale_active_mentors"]
        assert isinstance(stale, int)
        return int(bool(missed)), stale

    def row(self, trigger_id: str) -> dict[str, object]:
        """Return the execution log's row of a night."""
        wanted = run_id(trigger_id)
        return next(row for row in self._roster.log() if row["job_run_id"] == wanted)

    def paused(self) -> int:
        """Return how many mentors are paused, and check that they expired first."""
        statuses = [self._roster.status(mentor) for _, mentor in self._mentors]
        number = statuses.count("paused")
        assert statuses == ["paused"] * number + ["active"] * (len(statuses) - number)
        return number


@pytest.fixture
def case(aws: Clients, faked: FakedCluster, capsys: pytest.CaptureFixture[str]) -> Iterator[Case]:
    """A night on a server whose clock the test sets."""
    faked.clock.set(at(1, 1, 0))
    with faked.cluster.database() as db:
        roster = Roster(db)
        with open_night(aws, roster, faked.cluster) as night:
            yield Case(aws, night, faked, roster, capsys)


@pytest.mark.parametrize("by", SKEWS)
@pytest.mark.parametrize("component", ["dispatcher", "worker", "monitor", "database"])
def test_a_wrong_clock_ends_no_run_in_progress_and_hides_no_missed_night(
    case: Case, component: Component, by: str
) -> None:
    """No mentor is paused early or stays active. A false alarm ends with the wrong clock."""
    case.skew(component, SKEWS[by])
    hung, missed, stale = case.run(1)
    first, paused = case.row("night-1"), case.paused()
    assert (first["status"], first["error_count"], hung) == ("completed", 0, 0)
    assert paused <= 5, "nobody before their day"
    assert (paused == 5) or (missed and stale), "a mentor who stays active must be noticed"
    case.skew(None, timedelta())
    assert case.run(2) == (0, 0, 0)
    assert (case.row("night-2")["as_of"], case.paused()) == (date(2026, 3, 2), 6)
    assert case.look(3, 2, 30) == (1, 1), "the third night has not run"
    row = (
        f"| {component} | {by} | {first['as_of']} | {paused} of 5 | {first['error_count']} | {hung}"
        f" | {'yes' if missed else 'no'} | {stale} | 6 of 6 | yes |"
    )
    print(row)  # noqa: T201 - pytest -s shows the table
    assert row in TABLE.read_text().splitlines()


def test_a_time_zone_that_changes_after_the_dispatch_makes_nobody_an_error(case: Case) -> None:
    """E1: in Adak it is still the day before, but the run keeps its day."""
    case.skew(None, timedelta())
    case.let_it_be(1, 2, 0)
    case.fire("night-1")
    case.move_to("America/Adak")
    case.night.work_off()
    row = case.row("night-1")
    assert (row["as_of"], row["error_count"], case.paused()) == (date(2026, 3, 1), 0, 5)


def test_a_database_that_steps_back_over_midnight_makes_nobody_an_error(case: Case) -> None:
    """E1: one second after midnight in Oslo, its clock is set back by ten seconds."""
    case.skew(None, timedelta())
    case.let_it_be(1, 23, 0)
    case.night.clock.advance(1)
    case.fire("night-2")
    case.skew("database", timedelta(seconds=-10))
    case.let_it_be(1, 23, 0)
    case.night.work_off()
    row = case.row("night-2")
    assert (row["as_of"], row["error_count"], case.paused()) == (date(2026, 3, 2), 0, 6)
