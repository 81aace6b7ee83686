"""The rules that the console's functions repeat are the same as the originals (C2, O1, W6)."""

from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from psycopg import sql

from monitor.nightly_check import last_due
from support.roster import ORG, Roster

NIGHT = date(2026, 3, 1)
ENDED = datetime(2026, 3, 1, 3, tzinfo=UTC)
ADDRESSES = [f"{name}@example.no" for name in ("ola", "KARI", "per")]
STATES = ("sent", "delivered", "bounced", "complained", "suppressed", "unknown", "sending")
REASONS = (None, "Permanent", "Transient", "Undetermined", "Reject")


def only(roster: Roster, query: str, *values: object) -> Any:
    """Return the only value of a query."""
    (row,) = roster.rows(query, *values)
    (value,) = row.values()
    return value


@pytest.mark.parametrize("zone", ["Europe/Oslo", "America/Los_Angeles", "Pacific/Kiritimati"])
@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 7, 1), date(2026, 10, 25)])
def test_a_night_is_due_when_the_monitor_says_so(roster: Roster, zone: str, day: date) -> None:
    """C2, O1: also where the clocks change, and to the microsecond."""
    roster.db.execute("update organisations set time_zone = %s", (zone,))
    due = datetime(day.year, day.month, day.day, 2, 29, tzinfo=UTC)
    moments = [due + timedelta(hours=hours) for hours in range(-24, 25)]
    for at in (due - timedelta(microseconds=1), *moments):
        ours = only(roster, "select private.due_day(%s, %s)", ORG, at)
        assert ours == only(roster, "select get_org_day(%s, %s)", ORG, last_due(at)), at


def log(roster: Roster, **differs: object) -> None:
    """Write a row of the execution log; by default one of a complete check."""
    row: dict[str, object] = {
        "org_id": ORG, "job_name": "certification_expiry", "job_run_id": uuid4(),
        "trigger": "schedule", "triggered_by": "the schedule", "as_of": NIGHT,
        "status": "completed", "started_at": ENDED - timedelta(hours=1), "finished_at": ENDED,
        "error_count": 0,
    }  # fmt: skip
    row |= differs
    query = sql.SQL("insert into scheduler_execution_log ({}) values ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(sql.Placeholder() * len(row)),
    )
    roster.db.execute(query, list(row.values()))


def complete_runs(roster: Roster) -> list[dict[str, Any]]:
    """Return the checks that count as complete now."""
    return roster.rows(
        "select as_of from private.complete_runs(%s, 'certification_expiry', clock_timestamp())",
        ORG,
    )


@pytest.mark.parametrize(
    ("differs", "counts"),
    [
        ({}, True),
        ({"error_count": 3}, True),
        ({"trigger": "manual"}, True),
        ({"trigger": "manual", "as_of": NIGHT - timedelta(days=1)}, False),
        ({"as_of": NIGHT - timedelta(days=1)}, True),
        ({"status": "failed"}, False),
        ({"status": "running", "finished_at": None}, False),
        ({"dry_run": True}, False),
        ({"redrive_of": uuid4()}, False),
        ({"plan_of": uuid4()}, False),
        ({"job_name": "hlf_sync"}, False),
        ({"finished_at": datetime(2999, 1, 1, tzinfo=UTC)}, False),
    ],
)
def test_a_check_that_has_looked_at_all_mentors_is_complete(
    roster: Roster, differs: dict[str, object], counts: bool
) -> None:
    """C2, O1."""
    log(roster, **differs)
    assert len(complete_runs(roster)) == counts


def test_a_night_without_a_complete_check_is_missed(roster: Roster) -> None:
    """C2, G7: the two rules differ in a manual run for an earlier night, which makes it up."""
    for days in (6, 4, 3, 0):
        at = ENDED - timedelta(days=days)
        log(roster, as_of=at.date(), started_at=at - timedelta(hours=1), finished_at=at)
    for differs in ({"dry_run": True}, {"redrive_of": uuid4()}, {"plan_of": uuid4()},
                    {"status": "failed"}):  # fmt: skip
        log(roster, as_of=NIGHT - timedelta(days=2), **differs)
    missed = roster.rows("select as_of from list_missed_nights(%s, %s)", ORG, NIGHT)
    nights = {NIGHT - timedelta(days=days) for days in range(6)}
    assert nights - {row["as_of"] for row in complete_runs(roster)} == {
        row["as_of"] for row in missed
    }


def digest(roster: Roster, address: str, state: str, reason: str | None, hours: int) -> None:
    """Write a digest to an address, so many hours ago."""
    roster.db.execute(
        "insert into digests (id, org_id, person_id, day, state, address_hash, reason, began_at)"
        " values (gen_random_uuid(), %s, gen_random_uuid(), %s, %s, private.hash_address(%s), %s,"
        " now() - make_interval(hours => %s))",
        (ORG, NIGHT, state, address, reason, hours),
    )


def compare(roster: Roster) -> dict[str, str | None]:
    """Return why each address is refused, after asking both rules."""
    why = {a: only(roster, "select private.why_unreachable(%s, %s)", ORG, a) for a in ADDRESSES}
    refused = {
        row["address_hash"]: row["why"]
        for row in roster.rows("select * from private.refused_addresses(%s)", ORG)
    }
    hashes = {a: only(roster, "select private.hash_address(%s)", a) for a in ADDRESSES}
    assert {a: refused.get(hashes[a]) for a in ADDRESSES} == why
    return why


def test_an_address_is_refused_for_the_same_reason(roster: Roster) -> None:
    """W6: each last digest after each earlier one, and beside other addresses."""
    found: set[str | None] = set()
    results = [*product(STATES, [None]), *product(["bounced"], REASONS[1:])]
    for earlier, last in product(results, results):
        with roster.db.transaction(force_rollback=True):
            digest(roster, ADDRESSES[0], *earlier, 2)
            digest(roster, ADDRESSES[0], *last, 1)
            digest(roster, ADDRESSES[1], *last, 2)
            digest(roster, ADDRESSES[1], *earlier, 1)
            found |= set(compare(roster).values())
    assert found == {None, "bounced", "bounced_for_now", "complained", "suppressed"}


def test_refused_addresses_of_other_organisations_do_not_count(
    roster: Roster,
) -> None:
    """W6."""
    digest(roster, ADDRESSES[0], "bounced", None, 1)
    other = roster.add_organisation()
    assert roster.rows("select * from private.refused_addresses(%s)", other) == []
