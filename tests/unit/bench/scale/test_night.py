"""A simulated night runs the product's own functions, and Lambda's time-outs in virtual time."""

import pytest

from bench.scale.__main__ import run_id, simulate_hung_run
from bench.scale.function import Clock, Latencies
from bench.scale.night import Simulation
from local.template import load_template

REQUEST = {"job_name": "certification_expiry", "trigger": "schedule", "trigger_id": "night-1"}


def simulated(mentors: int, latencies: Latencies) -> Simulation:
    """Run a night to its end."""
    night = Simulation(load_template(), mentors, latencies)
    try:
        night.invoke("Dispatcher", REQUEST, 0)
        night.run()
    finally:
        night.close()
    return night


@pytest.mark.slow
def test_a_night_pauses_every_mentor_in_virtual_time() -> None:
    """250 mentors on three pages, 0.1 s for each: a night of about 10 s for four workers."""
    night = simulated(250, Latencies(database=0.1))
    row = night.log.finished[run_id()]
    assert (row["p_status"], row["p_paused_count"], row["p_error_count"]) == ("completed", 250, 0)
    assert night.database_calls["update_mentor_status"] == 250
    assert night.invocations["ExpiryWorker"].count == 3
    assert night.completed_at is not None
    assert 10 < night.completed_at < 20


@pytest.mark.slow
def test_lambda_ends_a_dispatcher_at_its_time_out_and_repeats_its_event_twice() -> None:
    """A ledger that needs 200 s for a call leaves a dispatcher of 300 s no second one."""
    night = simulated(1, Latencies(dynamodb=200))
    dispatcher = night.invocations["Dispatcher"]
    assert (dispatcher.count, dispatcher.killed) == (3, 3)
    assert night.now == pytest.approx(3 * 300 + 60 + 120, abs=5)


@pytest.mark.slow
def test_the_monitor_ends_a_run_whose_workers_vanish() -> None:
    """`simulate_hung_run` raises an error if a mentor is not counted.

    Of twelve pages six are closed, and four at most are with a worker.
    """
    described = simulate_hung_run(load_template(), 1200, Latencies())
    assert described.startswith("1,200 mentors, 6 pages closed when the workers vanished")


def test_an_invocation_ends_when_its_seconds_are_over() -> None:
    """The clock adds the waits; it calls the process's end once the time-out has passed."""
    ended: list[float] = []
    clock = Clock(1, lambda: ended.append(clock.now()))
    clock.start(100, 60)
    clock.advance(59)
    assert not ended
    clock.advance(2)
    assert ended
