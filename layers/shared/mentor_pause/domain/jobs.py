"""The registry of jobs (D2): their names, how they list mentors, and what they do to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from mentor_pause.errors import InvalidRequest

type Listing = Literal["list_expired_mentors", "list_unsynced_mentors"]
type Effect = Literal["paused", "synced"]

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
    longest_page: int = MAX_PAGE_SIZE
    """The most mentors that one worker invocation can process at a second each (E10)."""


JOBS: Mapping[str, Job] = MappingProxyType(
    {
        job.name: job
        for job in (
            Job("certification_expiry", "list_expired_mentors", effect="paused"),
            Job("hlf_sync", "list_unsynced_mentors", effect="synced", longest_page=100),
        )
    }
)


def find_job(name: str) -> Job:
    """Return the job of that name.

    Raises:
        InvalidRequest: there is no such job. The message names the known jobs. It never repeats
            the name, because the execution log keeps it.
    """
    if name not in JOBS:
        raise InvalidRequest(f"unknown job; known jobs: {', '.join(sorted(JOBS))}")
    return JOBS[name]
