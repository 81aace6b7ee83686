"""Threads share a time that passes without waiting."""

import pytest

from support.virtual_time import InvocationKilled, VirtualTime


def test_the_thread_with_the_earliest_moment_goes_on() -> None:
    """The order depends on the moments and not on the machine."""
    time, seen = VirtualTime(), list[tuple[str, float]]()

    def work(name: str, seconds: float) -> None:
        for _ in range(3):
            time.sleep(seconds)
            seen.append((name, time.seconds))

    time.run(lambda: work("slow", 5), lambda: work("fast", 2))
    assert seen == [
        ("fast", 2), ("fast", 4), ("slow", 5), ("fast", 6), ("slow", 10), ("slow", 15)
    ]  # fmt: skip


def test_an_invocation_is_killed_at_its_time_out() -> None:
    """As Lambda does; afterwards the time is that of the kill."""
    time = VirtualTime()
    with time.invocation(60) as remaining:
        time.sleep(45)
        assert remaining() == 15
        with pytest.raises(InvocationKilled):
            time.sleep(20)
    assert time.seconds == 60


def test_an_error_of_a_thread_is_raised() -> None:
    """A failed assertion in a thread has to fail the test."""
    time = VirtualTime()

    def fail() -> None:
        time.sleep(1)
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        time.run(fail, lambda: time.sleep(2))
    assert time.seconds == 2
