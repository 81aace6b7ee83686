"""Checks the night and hung runs, and reports: metrics for the alarms, a log line, an answer.

The checks are independent. A check that fails emits no metric, and its alarm treats a missing
metric as the worst case.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from mentor_pause.errors import describe, origin
from monitor.hung_runs import EndHungRuns
from monitor.nightly_check import NightlyCheck

type Answer = dict[str, object]

_MOST_NAMED = 100
"""Mentors whom the log line names."""


class _Once[T]:
    """Makes a call once. The checks share its value, or its failure."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call

    @cached_property
    def _answer(self) -> T | Exception:
        try:
            return self._call()
        except Exception as error:  # noqa: BLE001 - each check that needs the value raises it
            return error

    def __call__(self) -> T:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@dataclass(frozen=True, slots=True)
class Check:
    """All checks, one after the other. No exception leaves it (D5).

    The parts are built when they are needed, because the settings of each may be wrong.
    """

    night: Callable[[], NightlyCheck]
    hung_runs: Callable[[], EndHungRuns]
    metrics: Metrics
    logger: Logger

    def __call__(self) -> Answer:
        """Return the findings, and under `failed` why a check could not be made."""
        answer: Answer = {}
        failed: dict[str, str] = {}
        moment = _Once(lambda: self.night().moment())
        checks: dict[str, Callable[[], Answer]] = {
            "stale mentors": lambda: self._stale_mentors(moment()),
            "brake": lambda: self._brake(moment()),
            "last night": lambda: self._last_night(moment()),
            "uncertified mentors": self._uncertified_mentors,
            "warnings": lambda: self._warnings(moment()),
            "messages": self._messages,
            "hung runs": self._hung_runs,
        }
        for name, check in checks.items():
            try:
                answer |= check()
            except Exception as error:  # noqa: BLE001 - the other checks are independent
                failed[name] = describe(error)
                self.logger.error(
                    "check failed",
                    extra={"check": name, "reason": describe(error), "origin": origin(error)},
                )
        answer["failed"] = failed
        self.logger.info("night checked", extra=answer)
        return answer

    def _stale_mentors(self, moment: datetime) -> Answer:
        night = self.night()
        day = night.due_day(moment)
        count = night.count_stale(day)
        self._emit("StaleActiveMentors", MetricUnit.Count, count)
        return {"as_of": day.isoformat(), "stale_active_mentors": count}

    def _brake(self, moment: datetime) -> Answer:
        """Count the held mentors, who are stale as well, and the night's unforeseen pauses (G3)."""
        night = self.night().once()
        figures = night.brake_figures(night.due_day(moment))
        self._emit("MentorsHeld", MetricUnit.Count, figures.held_count)
        self._emit("UnforeseenPauses", MetricUnit.Count, figures.unforeseen_count)
        return {
            "held_mentors": figures.held_count,
            "unforeseen_pauses": figures.unforeseen_count,
            "brake": figures.model_dump(mode="json"),
        }

    def _last_night(self, moment: datetime) -> Answer:
        night = self.night()
        freshness = night.freshness(moment, night.due_day(moment))
        hours = freshness.hours_since_completed_run
        self._emit("NightMissed", MetricUnit.Count, int(freshness.is_missed))
        if hours is not None:
            self._emit("HoursSinceCompletedRun", MetricUnit.NoUnit, round(hours, 2))
        return {"night_missed": freshness.is_missed, "hours_since_completed_run": hours}

    def _uncertified_mentors(self) -> Answer:
        """Count the active mentors without a certification. No night pauses them; no alarm."""
        count = self.night().once().count_uncertified()
        self._emit("ActiveWithoutCertification", MetricUnit.Count, count)
        return {"active_without_certification": count}

    def _hung_runs(self) -> Answer:
        hung = {str(job_run_id): ended for job_run_id, ended in self.hung_runs()().items()}
        self._emit("HungRuns", MetricUnit.Count, len(hung))
        return {"hung_runs": hung}

    def _warnings(self, moment: datetime) -> Answer:
        """Name the mentors whom the night paused without a warning in time."""
        night = self.night().once()
        unwarned = night.paused_unwarned(night.due_day(moment))
        self._emit("PausedUnwarned", MetricUnit.Count, len(unwarned))
        named = [str(mentor_id) for mentor_id in unwarned[:_MOST_NAMED]]
        return {"paused_unwarned": len(unwarned), "mentor_ids_unwarned": named}

    def _messages(self) -> Answer:
        """Count the messages that wait for too long or did not arrive."""
        figures = self.night().once().message_figures()
        self._emit("UndeliveredMessages", MetricUnit.Count, figures.undelivered_count)
        not_arrived = figures.bounced_count + figures.complained_count
        self._emit("BouncedDigests", MetricUnit.Count, not_arrived)
        self._emit("UnknownDigests", MetricUnit.Count, figures.unknown_count)
        return {"messages": figures.model_dump()}

    def _emit(self, name: str, unit: MetricUnit, value: float) -> None:
        """Write the metric at once, so that a later failure cannot lose it."""
        self.metrics.add_metric(name, unit, value)
        self.metrics.flush_metrics()
