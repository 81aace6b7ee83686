"""A night in a storm of faults, and calm weather after it (E8, E9).

In the storm the night's messages are delivered in any order, twice, hours late, to workers that
die or run short of time; another run may be in progress when the schedule asks for its own; the
monitor looks now and then, and may end a run whose page has just begun; a second dispatcher whose
clock is fast may take the lock from the first. Then the faults stop, the messages on the queues are
delivered, the next nights come, and the conservation check looks at every run.
"""

import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta

from faults.post import Post
from faults.schedule import Schedule
from mentor_pause.errors import MentorPauseError
from mentor_pause.retry import Remaining
from monitor.app import build_hung_runs
from support.aws import Message
from support.conservation import violations
from support.faults import ProcessDied
from support.night import Night, run_id
from support.roster import ORG, TODAY, Roster

_CALM = ("the next night", "the night after")
_DEAD_AFTER = 5
"""Deliveries after which SQS moves a message to the dead letters (the template's number)."""


class Storm:
    """Delivers triggers and messages as badly as Lambda and SQS may."""

    def __init__(
        self,
        night: Night,
        schedule: Schedule,
        dice: random.Random,
        roster: Roster,
        post: Post | None = None,
    ) -> None:
        """The night's outside calls follow the schedule."""
        self.night = night
        self.name = "night-1"
        """The schedule's trigger."""
        self.as_of: date | None = TODAY
        """The day that triggers name. None: the day of the clocks counts."""
        self.post = post
        """Sends the messages of the night, if there are any."""
        self._roster = roster
        self.triggers: list[str] = []
        self._schedule = schedule
        self._dice = dice
        self._waiting: list[tuple[Message, int]] = []
        self._requests: list[Message] = []
        self._calm_triggers: list[str] = []
        """The triggers after the storm, whose runs have to succeed."""
        self._promised: set[str] = set()
        """The scheduled triggers that the dispatcher has answered, and whose run has to come."""
        self._done: list[Message] = []

    def violations(self, roster: Roster) -> Iterator[str]:
        """Yield what the conservation check finds run by run, and who is still waiting."""
        for trigger_id in self.triggers:
            yield from self._of_run(trigger_id, self.night.job)
        yield from self._failed_in_calm(roster)
        if self.post is not None:
            yield from self.post.violations(roster)
        for row in roster.log():
            if row["status"] == "running":
                yield f"log: rows: {row['triggered_by']} is still running"

    def forget_promises(self) -> None:
        """Expect no run of the triggers so far: the next night begins, and replaces them."""
        self._promised.clear()

    def _of_run(self, trigger_id: str, job: str) -> Iterator[str]:
        job_run_id = run_id(trigger_id, job)
        if self.night.ledger.find_run(job_run_id) is not None:
            for wrong in violations(self.night, self._roster, job_run_id):
                yield f"{trigger_id}: {wrong}"
        elif trigger_id in (*self._calm_triggers, *self._promised):
            yield f"{trigger_id}: begun: it had no run"

    def _failed_in_calm(self, roster: Roster) -> Iterator[str]:
        calm = {run_id(trigger_id, self.night.job) for trigger_id in self._calm_triggers}
        for row in roster.log():
            if row["job_run_id"] in calm and row["status"] == "failed":
                yield f"{row['triggered_by']}: calm: it failed without a fault: {row['error']}"

    def pass_over(self) -> None:
        """Rage, and be calm."""
        self._rage()
        self._schedule.stop()
        self._calm()
        if self.post is not None:
            self.post.calm(self._roster)

    def _rage(self) -> None:
        """Fire, and deliver for a while."""
        if self._dice.random() < 1 / 4:
            self._schedule.count("refused")
            self._fire(f"{self.name} by hand", trigger="manual")
        self._fire(self.name)
        for _ in range(self._dice.randint(3, 8)):
            self._deliver_all()
            self._weather()

    def _calm(self) -> None:
        """Deliver what is left, let the monitor look and the next night come; twice."""
        for trigger_id in _CALM:
            self._drain()
            self.night.clock.advance(3600)
            self._roster.age_log()
            self._monitor()
            self._fire_calmly(trigger_id)
        for _ in range(_DEAD_AFTER + 2):
            self._deliver_all()
        self._monitor()

    def _drain(self) -> None:
        """Deliver what is on the queues until each message has had all its deliveries."""
        for _ in range(_DEAD_AFTER + 2):
            self._deliver_all()
            self.night.clock.advance(360)

    def _fire_calmly(self, trigger_id: str) -> None:
        self._calm_triggers.append(trigger_id)
        self._fire(trigger_id)

    def _fire(self, trigger_id: str, trigger: str = "schedule") -> None:
        """Deliver a trigger as Lambda does: again after a minute when the process died; thrice."""
        if trigger_id not in self.triggers:
            self.triggers.append(trigger_id)
        for _ in range(3):
            self._schedule.tell(f"trigger {trigger_id}: run {run_id(trigger_id, self.night.job)}")
            with self._schedule.dispatching(self._steal):
                answer = self.night.fire(trigger_id, self.as_of, trigger=trigger)
                if answer["status"] in ("refused", "waiting") and trigger == "schedule":
                    self._promised.add(trigger_id)
                return
            self.night.clock.advance(60)

    def _steal(self) -> None:
        """Let a second dispatcher have it whose clock is an hour fast: the same trigger, or not."""
        trigger_id = self._dice.choice((self.name, f"another {self.name}"))
        if trigger_id not in self.triggers:
            self.triggers.append(trigger_id)
        clock = self.night.clock
        fast = self.night.dispatcher(lambda: clock() + timedelta(hours=1))
        self.night.fire(trigger_id, self.as_of, dispatch=fast)

    def _weather(self) -> None:
        """Let time pass; perhaps the monitor looks, or a message comes again; mails are sent."""
        if self.post is not None:
            self.post.weather(self._roster)
        self.night.clock.advance(self._dice.choice((0, 60, 360, 1800, 4000)))
        if self._dice.random() < 1 / 4:
            with suppress(ProcessDied):
                self._monitor()
        if self._done and self._dice.random() < 1 / 3:
            self._schedule.count("twice")
            self._waiting.append((self._dice.choice(self._done), 0))

    def _deliver_all(self) -> None:
        """Deliver each message that is not held up, in any order; first the runs that wait."""
        self._deliver_requests()
        self._waiting += [(message, 0) for message in self.night.receive()]
        if len(self._waiting) > 1:
            self._schedule.count("out of order")
        self._dice.shuffle(self._waiting)
        waiting, self._waiting = self._waiting, []
        for message, times in waiting:
            if self._is_raging and self._dice.random() < 1 / 4:
                self._schedule.count("held up")
                self._waiting.append((message, times))
            elif self._deliver(message, times + 1):
                self._done.append(message)
            else:
                self._waiting.append((message, times + 1))

    def _deliver_requests(self) -> None:
        """Let the dispatcher have the requests that wait; it gets those again whom it dies with."""
        due, self._requests = [*self._requests, *self.night.waiting()], []
        for message in due:
            done = False
            with self._schedule.dispatching(self._steal):
                done = self.night.deliver_waiting(message)
            if not done:
                self._requests.append(message)

    @property
    def _is_raging(self) -> bool:
        return not self._schedule.is_over

    def _deliver(self, message: Message, times: int) -> bool:
        """Give a message to a worker; whether it was acknowledged, which the dead do not do."""
        with self._schedule.working(self._abandon):
            return self.night.deliver(
                message, dead=times > _DEAD_AFTER, receive_count=times, remaining=self._remaining()
            )
        return False

    def seconds_left(self) -> float:
        """Return what a dispatcher or a completion has left: enough, or nothing at a later look."""
        if self._dice.random() < (1 / 4 if self._is_raging else 1 / 10):
            self._schedule.count("handed over")
            return 0
        return 80

    def _remaining(self) -> float | Remaining:
        """Return what a worker has left: enough, nearly nothing, or less at each look."""
        seconds = self._dice.choice((60, 60, 60, 11, 0, 0))
        if seconds or not self._is_raging:
            return seconds or 60
        self._schedule.count("short of time")
        enough = iter([60.0] * self._dice.randint(3, 5))
        return lambda: next(enough, 5.0)

    def _abandon(self) -> None:
        """End what stands still: the worker's page waited long, and it has just begun."""
        self.night.clock.advance(4000)
        self._monitor()

    def _monitor(self) -> None:
        night = self.night
        with suppress(MentorPauseError):
            build_hung_runs(ORG, night.engine)()
