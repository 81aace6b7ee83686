"""Reads the dispatcher's answer about a run that a caller asked for (O3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

MAX_ERROR_LENGTH = 2000
"""Characters. 100 rows must fit into the 6 MB that Lambda allows for an answer."""

type Outcome = Literal["started", "invalid request", "run in progress", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class StartResult:
    """The result of a request to start a run."""

    outcome: Outcome
    """`unknown`: the dispatcher did not say whether the run has started."""
    job_run_id: UUID
    status: Literal["running", "completed"] = "running"
    error: str = ""
    conflicting_run_id: UUID | None = None


def parse_answer(job_run_id: UUID, answer: Mapping[str, str]) -> StartResult:
    """Read the dispatcher's answer about a run."""
    match answer.get("status"):
        case "running" | "completed" as status:
            return StartResult("started", job_run_id, status)
        case "refused" if other := _parse_id(answer.get("conflicting_run_id", "")):
            return StartResult("run in progress", job_run_id, conflicting_run_id=other)
        case "failed" if answer.get("error_source") == "client":
            error = answer.get("error", "")[:MAX_ERROR_LENGTH]
            return StartResult("invalid request", job_run_id, error=error)
        case "failed" if answer.get("error_source") != "server":
            return StartResult("failed", job_run_id)
        case _:
            return StartResult("unknown", job_run_id)


def _parse_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
