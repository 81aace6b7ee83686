"""Looks at the night and at hung runs, and tells: metrics for the alarms, a log line, an answer.

Each look stands alone. One that fails leaves its metric out, and its alarm takes a missing metric
for the worst.
"""

from collections.abc import Callable

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from mentor_pause.errors import describe, origin
from monitor.hung import EndHungRuns
from monitor.night import LookAtNight

type Answer = dict[str, object]


class Check:
    """All looks, one after the other. No exception leaves it (D5)."""

    def __init__(
        self,
        night: Callable[[], LookAtNight],
        hung: Callable[[], EndHungRuns],
        metrics: Metrics,
        logger: Logger,
    ) -> None:
        """The parts are asked for when they are needed, since each may be configured wrongly."""
        self._night = night
        self._hung = hung
        self._metrics = metrics
        self._logger = logger

    def __call__(self) -> Answer:
        """Return what was found, and under `failed` why a look could not be made."""
        found: Answer = {}
        failed: dict[str, str] = {}
        looks = {
            "stale mentors": self._stale,
            "last night": self._coverage,
            "uncertified mentors": self._uncertified,
            "hung runs": self._end,
        }
        for name, look in looks.items():
            try:
                found |= look()
            except Exception as error:  # noqa: BLE001 - the other looks are made all the same
                failed[name] = describe(error)
                self._logger.error(
                    "look failed",
                    extra={"look": name, "reason": describe(error), "origin": origin(error)},
                )
        found["failed"] = failed
        self._logger.info("night checked", extra=found)
        return found

    def _stale(self) -> Answer:
        night = self._night()
        day = night.due_day(night.moment())
        count = night.count_stale(day)
        self._emit("StaleActiveMentors", MetricUnit.Count, count)
        return {"as_of": day.isoformat(), "stale_active_mentors": count}

    def _coverage(self) -> Answer:
        night = self._night()
        moment = night.moment()
        coverage = night.coverage(moment, night.due_day(moment))
        hours = coverage.hours_since_completed_run
        self._emit("NightMissed", MetricUnit.Count, int(coverage.is_missed))
        if hours is not None:
            self._emit("HoursSinceCompletedRun", MetricUnit.NoUnit, round(hours, 2))
        return {"night_missed": coverage.is_missed, "hours_since_completed_run": hours}

    def _uncertified(self) -> Answer:
        """Count whom no night pauses, since no certification of theirs can expire; no alarm."""
        count = self._night().count_uncertified()
        self._emit("ActiveWithoutCertification", MetricUnit.Count, count)
        return {"active_without_certification": count}

    def _end(self) -> Answer:
        hung = {str(job_run_id): ended for job_run_id, ended in self._hung()().items()}
        self._emit("HungRuns", MetricUnit.Count, len(hung))
        return {"hung_runs": hung}

    def _emit(self, name: str, unit: MetricUnit, value: float) -> None:
        """Write the metric at once: what fails later must not take it along."""
        self._metrics.add_metric(name, unit, value)
        self._metrics.flush_metrics()
