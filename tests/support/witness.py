"""Reads a deployed stack for the conservation check."""

from typing import Any
from uuid import UUID

from mentor_pause.domain.summary import Summary
from support.deployed import Deployed


class Witness:
    """A deployed stack's ledger and log lines. Its events cannot be read."""

    def __init__(self, deployed: Deployed) -> None:
        """Everything is read when it is needed."""
        self.ledger = deployed.stack.ledger()
        self._deployed = deployed

    def lines(self, message: str) -> list[dict[str, Any]]:
        """Return the lines of all functions that may end a run."""
        groups = ("DispatcherLogGroup", "ExpiryWorkerLogGroup", "MonitorLogGroup")
        return [line for group in groups for line in self._deployed.lines(group, message)]

    def summaries(self) -> list[dict[str, Any]]:
        """Return the summary lines, with only the fields of E7 and `errors`."""
        wanted = Summary(UUID(int=0), "paused").as_json()
        return [{k: line[k] for k in wanted} for line in self.lines("run completed")]

    def announcements(self) -> None:
        """Return None: no consumer records the events."""
        return
