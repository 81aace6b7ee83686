"""Reports the drift: metrics for the alarm, a log line, and the differences for whoever asked."""

from collections.abc import Callable

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from mentor_pause.errors import describe, origin
from mentor_pause.portal.source import PortalSource
from mentor_pause.retry import Remaining
from portal_drift.measure import Drift, MeasureDrift
from portal_drift.waiting import CountWaiting

type Answer = dict[str, object]

_NAMED = 1000
"""Differences that the answer names at most; the count has them all."""

_ROWS_NAMED = 100
"""Unreadable rows that the log names at most."""


class Report:
    """Measures, and tells. No exception leaves it: its text might hold what no log may (E13)."""

    def __init__(
        self,
        source: Callable[[], PortalSource],
        measure: Callable[[], MeasureDrift],
        waiting: Callable[[], CountWaiting],
        metrics: Metrics,
        logger: Logger,
    ) -> None:
        """The parts are asked for when they are needed, since each may be configured wrongly."""
        self._source = source
        self._measure = measure
        self._waiting = waiting
        self._metrics = metrics
        self._logger = logger

    def __call__(self, remaining: Remaining) -> Answer:
        """Return `status` (measured, off, failed) and what there is to tell.

        Without a measurement the metrics of the drift are left out; `PortalDriftUnmeasured` is 1
        where there should have been one. `PortalMentorsWaiting` needs the database alone.
        """
        found: Answer = {}
        try:
            if not self._source().is_on():
                self._logger.warning("the portal is switched off; nothing was measured")
                self._emit("PortalDriftUnmeasured", 0)
                return {"status": "off"}
            found = self._count_waiting()
            drift = self._measure()(remaining)
            self._tell(drift)
        except Exception as error:  # noqa: BLE001 - answered instead
            self._logger.error(
                "drift not measured", extra={"reason": describe(error), "origin": origin(error)}
            )
            self._emit("PortalDriftUnmeasured", 1)
            return found | {"status": "failed", "error": describe(error)}
        return found | drift.as_json(_NAMED)

    def _count_waiting(self) -> Answer:
        waiting = self._waiting()()
        self._emit("PortalMentorsWaiting", waiting.overdue)
        found = waiting.as_json()
        self._logger.info("mentors wait for the portal", extra=found)
        return found

    def _emit(self, name: str, count: int) -> None:
        """Write the metric at once: what fails later must not take it along."""
        self._metrics.add_metric(name, MetricUnit.Count, count)
        self._metrics.flush_metrics()

    def _tell(self, drift: Drift) -> None:
        differing = len(drift.differences)
        self._metrics.add_metric("PortalMentorsDiffering", MetricUnit.Count, differing)
        self._metrics.add_metric(
            "PortalCertificationsDiffering", MetricUnit.Count, len(drift.certifications)
        )
        self._metrics.add_metric(
            "PortalOldestDifferenceAge", MetricUnit.Seconds, drift.oldest_seconds
        )
        self._emit("PortalDriftUnmeasured", 0)
        ours = [str(d.mentor_id) for d in drift.differences[:_NAMED] if d.mentor_id]
        self._logger.info(
            "drift measured",
            extra={
                "compared": drift.compared,
                "differing": differing,
                "oldest_seconds": drift.oldest_seconds,
                "certifications_differing": len(drift.certifications),
                "mentor_ids_differing": ours,
                "unreadable": len(drift.unreadable),
            },
        )
        if drift.unreadable:
            rows = [str(row) for row in drift.unreadable[:_ROWS_NAMED]]
            self._logger.error(
                "rows of the portal cannot be read",
                extra={"count": len(drift.unreadable), "rows": rows},
            )
