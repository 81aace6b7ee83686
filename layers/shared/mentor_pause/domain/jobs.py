"""The registry of jobs (D2): what can be run, where its mentors come from, what becomes of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from mentor_pause.errors import InvalidRequest

type Listing = Literal["list_expired_mentors", "list_unsynced_mentors"]
type Effect = Literal["paused", "synced"]


@dataclass(frozen=True, slots=True)
class Job:
    """A job that the dispatcher can start."""

    name: str
    listing: Listing
    """The database function that lists the mentors concerned, page by page."""
    effect: Effect
    """What a run does to a mentor; the name of its count and of its list in the summary (E7)."""
    longest_page: int = 500
    """Mentors whom one invocation of the worker can do, also where each takes a second (E10)."""


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
        InvalidRequest: there is none; the message names the known ones, and repeats nothing, since
            it is kept in the execution log.
    """
    if name not in JOBS:
        raise InvalidRequest(f"unknown job; known jobs: {', '.join(sorted(JOBS))}")
    return JOBS[name]
