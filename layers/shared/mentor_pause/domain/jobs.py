"""The registry of jobs (D2): their names, how they list mentors, and what they do to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from mentor_pause.errors import InvalidRequest

type Listing = Literal["list_planned_mentors", "list_run_pauses", "list_unsynced_mentors"]
type Effect = Literal["paused", "resumed", "synced"]

MAX_PAGE_SIZE = 500
"""The most mentors on a page, whatever the job: one message on a queue holds them all."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job that the dispatcher can start."""

    name: str
    listing: Listing
    """The database function that lists the job's mentors, page by page."""
    effect: Effect
    """The change that a run makes; the summary names its count and its list after it (E7)."""
    shares_worker_of: str | None = None
    """The job whose queue and worker it uses; None: it has its own."""
    needs_run: bool = False
    """Whether a request for it has to name another run; nobody starts it by its name alone."""
    longest_page: int = MAX_PAGE_SIZE
    """The most mentors that one worker invocation can process at a second each (E10)."""

    @property
    def worker(self) -> str:
        """The job that has the queue and the worker."""
        return self.shares_worker_of or self.name


JOBS: Mapping[str, Job] = MappingProxyType(
    {
        job.name: job
        for job in (
            Job("certification_expiry", "list_planned_mentors", effect="paused"),
            Job("withdrawal", "list_run_pauses", "resumed", "certification_expiry", needs_run=True),
            Job("hlf_sync", "list_unsynced_mentors", effect="synced", longest_page=100),
        )
    }
)


STARTABLE = frozenset(job.name for job in JOBS.values() if not job.needs_run)
"""The jobs that people start by their name."""


def find_job(name: str) -> Job:
    """Return the job of that name.

    Raises:
        InvalidRequest: there is no such job. The message names the known jobs. It never repeats
            the name, because the execution log keeps it.
    """
    if name not in JOBS:
        raise InvalidRequest(f"unknown job; known jobs: {', '.join(sorted(JOBS))}")
    return JOBS[name]
