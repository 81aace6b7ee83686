"""How the ledger's table keeps runs and pages: keys, attributes, and back again."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import cast
from uuid import UUID

from mentor_pause.domain.error_reasons import ErrorGroup, RequeueReason
from mentor_pause.domain.runs import KeptReason, Page, PageOutcome, Run, Trigger
from mentor_pause.ledger.table import Item

KEPT_FOR = timedelta(days=90)
"""DynamoDB deletes the items after that; the execution log in PostgreSQL is the history."""

_OTHER_RUNS = ("redrive_of", "releases", "withdraws")
"""The trigger's fields that name another run."""

PROGRESS = ("progress_applied", "progress_skipped", "progress_errored")


def run_key(job_run_id: UUID) -> str:
    """Return the partition of a run and its pages."""
    return f"RUN#{job_run_id}"


def page_key(number: int) -> str:
    """Return the sort key of a page."""
    return f"PAGE#{number}"


def expiry(now: datetime) -> int:
    """Return when an item expires, in seconds of the epoch."""
    return int((now + KEPT_FOR).timestamp())


def new_run(trigger: Trigger, as_of: date, now: datetime) -> Item:
    """Return the item of a run that begins."""
    return {
        "pk": run_key(trigger.job_run_id),
        "sk": "RUN",
        "job": trigger.job_name,
        "org": str(trigger.org_id),
        "trigger": trigger.kind,
        "trigger_id": trigger.trigger_id,
        "triggered_by": trigger.triggered_by,
        "dry_run": trigger.dry_run,
        **{
            name: str(run_id)
            for name in _OTHER_RUNS
            if (run_id := getattr(trigger, name)) is not None
        },
        "as_of": as_of.isoformat(),
        "pages_planned": 0,
        "pages_sent": 0,
        "status": "running",
        "active_at": now.isoformat(),
        "expires_at": expiry(now),
    }


def read_run(item: Item) -> Run:
    """Read a run's item."""
    return Run(
        trigger=Trigger(
            job_name=item["job"],
            org_id=UUID(item["org"]),
            kind=item["trigger"],
            trigger_id=item["trigger_id"],
            triggered_by=item["triggered_by"],
            dry_run=item["dry_run"],
            **{name: UUID(item[name]) for name in _OTHER_RUNS if name in item},
        ),
        as_of=date.fromisoformat(item["as_of"]),
        cursor=UUID(item["cursor"]) if "cursor" in item else None,
        pages_planned=int(item["pages_planned"]),
        pages_sent=int(item["pages_sent"]),
        pages_total=int(item["pages_total"]) if "pages_total" in item else None,
        closed_through=int(item.get("closed_through", 0)),
        closed_pages=frozenset(map(int, item.get("closed_pages", ()))),
        status=item["status"],
        error=item.get("run_error"),
        active_at=_moment(item.get("active_at")),
        leased_at=_moment(item.get("leased_at")),
        wait_reason=item.get("wait_reason"),
        is_waiting=bool(item.get("is_waiting", False)),
        errors=_error_groups(item.get("errors")),
    )


def read_page(item: Item) -> Page:
    """Read a page's item."""
    closed_at = _moment(item.get("closed_at"))
    mentors = _ids(item["mentor_ids"])
    processed = PageOutcome(
        *(_in_page_order(mentors, item.get(name, ())) for name in PROGRESS),
        note=item.get("progress_note", ""),
        reasons=_reasons(item.get("reasons", ())),
        kept=cast("Mapping[UUID, KeptReason]", _reasons(item.get("kept", ()))),
    )
    return Page(
        number=int(item["sk"].removeprefix("PAGE#")),
        mentor_ids=mentors,
        outcome=processed | _outcome(item) if closed_at else None,
        closed_at=closed_at,
        fence=int(item["fence"]) if "fence" in item else None,
        processed=processed,
        copy=int(item.get("copy", 0)),
        last_requeue=RequeueReason(item["requeue_reason"], int(item["requeue_delivery"]))
        if "requeue_reason" in item
        else None,
    )


def progress_sets(outcome: PageOutcome) -> dict[str, set[str]]:
    """Return the sets of ids and reasons to add to a page; DynamoDB takes no empty set."""
    results = (outcome.applied, outcome.skipped, outcome.errored)
    sets = {
        name: {str(mentor) for mentor in mentors}
        for name, mentors in zip(PROGRESS, results, strict=True)
        if mentors
    }
    return sets | reason_sets(outcome)


def reason_sets(outcome: PageOutcome) -> dict[str, set[str]]:
    """Return the sets of texts `<ids>|<reason>`, which keep each reason once."""
    sets = {"reasons": _texts(outcome.reasons), "kept": _texts(outcome.kept)}
    return {name: texts for name, texts in sets.items() if texts}


def _texts(reasons: Mapping[UUID, str]) -> set[str]:
    by_reason: dict[str, list[str]] = {}
    for mentor, reason in reasons.items():
        by_reason.setdefault(reason, []).append(str(mentor))
    return {f"{' '.join(sorted(ids))}|{reason}" for reason, ids in by_reason.items()}


def add_clause(sets: Collection[str]) -> str:
    """Return the part of an update expression that adds to these sets."""
    return f" ADD {', '.join(f'{name} :{name}' for name in sets)}" if sets else ""


def _outcome(item: Item) -> PageOutcome:
    return PageOutcome(
        _ids(item["applied"]), _ids(item["skipped"]), _ids(item["errored"]), item["note"]
    )


def _reasons(texts: Iterable[str]) -> dict[UUID, str]:
    """Return each mentor's reason.

    If a mentor has several reasons, the sort order decides, so every reader returns the same one.
    """
    reasons: dict[UUID, str] = {}
    for text in sorted(texts):
        ids, _, reason = text.partition("|")
        reasons |= dict.fromkeys(map(UUID, ids.split()), reason)
    return reasons


def _error_groups(text: str | None) -> tuple[ErrorGroup, ...] | None:
    return tuple(map(ErrorGroup.from_json, json.loads(text))) if text is not None else None


def _in_page_order(mentors: Sequence[UUID], wanted: Collection[str]) -> tuple[UUID, ...]:
    return tuple(mentor for mentor in mentors if str(mentor) in wanted)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _ids(values: Sequence[str]) -> tuple[UUID, ...]:
    return tuple(map(UUID, values))
