"""Prepares a local stack for the sample events of `events/`.

A worker accepts only pages in the ledger, so this module writes the samples' pages there. It also
adds the samples' mentor to the roster, with a certification that expires on the samples' day.

The runs of these pages hold no lock, and no queue has the pages. So a worker can get the samples
one at a time and in any order. The worker acknowledges a page that is closed already.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from local.seed import Roster
from local.template import ROOT
from mentor_pause.domain.messages import MentorPage

EVENTS = ROOT / "events"


def with_sample_mentor(roster: Roster) -> Roster:
    """Replace an active mentor with an expired certification by the samples' mentor.

    A roster without such a mentor is returned unchanged.
    """
    page = _page(EVENTS / "certification_expiry_page.json")
    (sample,) = page.mentor_ids
    old = next((mentor for mentor in roster.mentors if mentor.is_expired_by(roster.made_on)), None)
    if old is None:
        return roster
    new = replace(old, id=sample, expiries=(page.as_of,))
    return replace(
        roster,
        mentors=tuple(new if mentor is old else mentor for mentor in roster.mentors),
        assignments=tuple(
            (sample if mentor == old.id else mentor, coordinator)
            for mentor, coordinator in roster.assignments
        ),
        mentor_contacts=tuple(
            contact._replace(person_id=sample) if contact.person_id == old.id else contact
            for contact in roster.mentor_contacts
        ),
    )


def plan_sample_pages(dynamodb: Any, table: str) -> None:
    """Write the runs and pages of `events/*_page.json` into a ledger; replace earlier ones.

    `dynamodb` is a client, `table` the ledger's name. The paging of each run counts as ended, so
    that the dispatcher accepts the sample of the run's RunCompleted event.
    """
    serialize = TypeSerializer().serialize
    for item in _items():
        values = {name: serialize(value) for name, value in item.items()}
        dynamodb.put_item(TableName=table, Item=values)


def _items() -> list[dict[str, Any]]:
    pages = [_page(file) for file in sorted(EVENTS.glob("*_page.json"))]
    numbers = {run: {p.page for p in pages if p.job_run_id == run} for run in _runs(pages)}
    runs = {page.job_run_id: _run_item(page, numbers[page.job_run_id]) for page in pages}
    return [*runs.values(), *map(_page_item, pages)]


def _runs(pages: list[MentorPage]) -> set[Any]:
    return {page.job_run_id for page in pages}


def _page(file: Path) -> MentorPage:
    return MentorPage.parse(json.loads(file.read_text())["Records"][0]["body"])


def _run_item(page: MentorPage, numbers: set[int]) -> dict[str, Any]:
    return {
        "pk": f"RUN#{page.job_run_id}",
        "sk": "RUN",
        "job": page.job_name,
        "org": str(page.org_id),
        "trigger": "schedule",
        "trigger_id": f"sample-{page.job_run_id}",
        "triggered_by": "a sample event",
        "dry_run": page.dry_run,
        "as_of": page.as_of.isoformat(),
        "pages_planned": max(numbers),
        "pages_sent": max(numbers),
        "pages_total": max(numbers),
        "closed_through": max(numbers),
        "status": "running",
    }


def _page_item(page: MentorPage) -> dict[str, Any]:
    return {
        "pk": f"RUN#{page.job_run_id}",
        "sk": f"PAGE#{page.page}",
        "mentor_ids": [str(mentor) for mentor in page.mentor_ids],
    }
