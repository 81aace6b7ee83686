"""Reports the drift: metrics for the alarm, a log line, and the differences for the caller."""

from collections.abc import Callable
from dataclasses import dataclass

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from mentor_pause.errors import describe, origin
from mentor_pause.portal.source import PortalSource
from mentor_pause.retry import Remaining
from portal_drift.measure import Drift, MeasureDrift
from portal_drift.record import RecordDrift
from portal_drift.waiting import CountWaiting

type Answer = dict[str, object]

_MOST_NAMED = 1000
"""The answer names at most so many differences; its counts include them all."""

_MOST_ROWS = 100
"""The log names at most so many unreadable rows."""


@dataclass(frozen=True, slots=True)
class Report:
    """Measures and reports. It raises nothing: an exception's text may be secret (E13)."""

    open_source: Callable[[], PortalSource]
    """The four parts are made when they are needed, since each may be configured wrongly."""
    open_measure: Callable[[], MeasureDrift]
    open_waiting: Callable[[], CountWaiting]
    open_record: Callable[[], RecordDrift]
    metrics: Metrics
    logger: Logger

    def __call__(self, remaining: Remaining) -> Answer:
        """Return `status` (measured, off, failed) and the figures.

        Without a measurement, the metrics of the drift are left out, and `PortalDriftUnmeasured`
        is 1 unless the portal is switched off. `PortalMentorsWaiting` needs only the database.
        """
        answer: Answer = {}
        try:
            if not self.open_source().is_on():
                self.logger.warning("the portal is switched off; nothing was measured")
                self._emit("PortalDriftUnmeasured", 0)
                return {"status": "off"}
            answer = self._count_waiting()
            drift = self.open_measure()(remaining)
            self._emit_drift(drift)
            self._log_drift(drift)
        except Exception as error:  # noqa: BLE001 - the answer describes it
            self._log_failure("drift not measured", error)
            self._emit("PortalDriftUnmeasured", 1)
            return answer | {"status": "failed", "error": describe(error)}
        self._record(drift)
        return answer | drift.as_json(_MOST_NAMED)

    def _record(self, drift: Drift) -> None:
        """Store the differences for the console; a failure changes neither metrics nor answer."""
        try:
            self.open_record()(drift)
        except Exception as error:  # noqa: BLE001 - the log describes it
            self._log_failure("drift not recorded", error)

    def _log_failure(self, message: str, error: Exception) -> None:
        self.logger.error(message, extra={"reason": describe(error), "origin": origin(error)})

    def _count_waiting(self) -> Answer:
        waiting = self.open_waiting()()
        self._emit("PortalMentorsWaiting", waiting.overdue)
        answer = waiting.as_json()
        self.logger.info("mentors wait for the portal", extra=answer)
        return answer

    def _emit(self, name: str, count: int) -> None:
        """Write the metric at once, so that a later failure does not lose it."""
        self.metrics.add_metric(name, MetricUnit.Count, count)
        self.metrics.flush_metrics()

    def _emit_drift(self, drift: Drift) -> None:
        for name, unit, value in (
            ("PortalMentorsDiffering", MetricUnit.Count, len(drift.differences)),
            ("PortalCertificationsDiffering", MetricUnit.Count, len(drift.certifications)),
            ("PortalOldestDifferenceAge", MetricUnit.Seconds, drift.oldest_seconds),
        ):
            self.metrics.add_metric(name, unit, value)
        self._emit("PortalDriftUnmeasured", 0)

    def _log_drift(self, drift: Drift) -> None:
        """Log the figures and our own ids; a key of the portal may be a name (E13)."""
        ours = [str(d.mentor_id) for d in drift.differences[:_MOST_NAMED] if d.mentor_id]
        self.logger.info(
            "drift measured",
            extra={
                "compared": drift.compared,
                "differing": len(drift.differences),
                "oldest_seconds": drift.oldest_seconds,
                "certifications_differing": len(drift.certifications),
                "mentor_ids_differing": ours,
                "unreadable": len(drift.unreadable),
            },
        )
        if drift.unreadable:
            rows = [str(row) for row in drift.unreadable[:_MOST_ROWS]]
            self.logger.error(
                "rows of the portal cannot be read",
                extra={"count": len(drift.unreadable), "rows": rows},
            )
