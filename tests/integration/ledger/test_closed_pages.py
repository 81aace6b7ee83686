"""The set of closed pages, in shards, on moto's DynamoDB (E8)."""

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentor_pause.domain.runs import Run, Trigger
from mentor_pause.ledger.closed_pages import SHARD
from mentor_pause.ledger.items import new_run, read_run, run_key
from mentor_pause.ledger.runs import Ledger
from mentor_pause.ledger.table import Item, Table
from support.aws import Clients, create_ledger_table
from support.night import LEASES, Clock
from support.roster import ORG

TRIGGER = Trigger("certification_expiry", ORG, "schedule", "first", "rule")
ID = TRIGGER.job_run_id


@pytest.fixture
def table(aws: Clients, request: pytest.FixtureRequest) -> Table:
    """A ledger table for one test."""
    return create_ledger_table(aws.dynamodb, request.node.name, Clock())


@pytest.fixture
def ledger(table: Table) -> Ledger:
    """The ledger in this table."""
    return Ledger(table, LEASES)


def begin(table: Table, total: int | None, **more: object) -> Run:
    """Write a run of so many pages, or one that is still paging."""
    item = new_run(TRIGGER, date(2026, 3, 1), table.now()) | more
    item |= {} if total is None else {"pages_total": total, "pages_planned": total}
    table.transact([table.put_new_action(item)])
    return read_run(item)


def close_all(ledger: Ledger, numbers: list[int]) -> list[bool]:
    """Mark the pages as closed; return for each whether the run had all pages closed then."""
    runs = [ledger.mark_page_closed(ID, number) for number in numbers]
    return [run is not None and run.all_pages_closed for run in runs]


def items(table: Table) -> list[Item]:
    """Return every item of the run."""
    return list(table.query(run_key(ID), " ", "~"))


@pytest.mark.parametrize("total", [1, SHARD - 1, SHARD, SHARD + 1, 3 * SHARD])
@pytest.mark.parametrize("stuck", ["first", "last"])
def test_the_last_page_to_be_closed_finds_that_all_are(
    table: Table, ledger: Ledger, total: int, stuck: str
) -> None:
    """E8: whichever page it is, and no other page finds it."""
    begin(table, total)
    last = 1 if stuck == "first" else total
    others = [number for number in range(1, total + 1) if number != last]
    assert close_all(ledger, [*others, last]) == [False] * (total - 1) + [True]
    assert close_all(ledger, [last]) == [True], "a repeated message finds it again"


def test_pages_that_are_closed_while_paging_are_found_at_its_end(
    table: Table, ledger: Ledger
) -> None:
    """E8: the dispatcher is the one to find that all are closed."""
    begin(table, None)
    assert not any(close_all(ledger, list(range(1, SHARD + 3))))
    table.update(run_key(ID), "RUN", "SET pages_total = :n", "", {"n": SHARD + 2})
    run = ledger.find_run(ID)
    assert run is not None
    assert ledger.closed.advance(run).all_pages_closed


def test_no_item_grows_with_the_number_of_pages(table: Table, ledger: Ledger) -> None:
    """E8: the run's item is as large at the end as at the beginning; a shard is below 1 KB."""
    begin(table, 10 * SHARD)
    sizes = list[int]()
    for number in range(1, 10 * SHARD + 1):
        ledger.mark_page_closed(ID, number)
        if number in (1, 10 * SHARD):
            run = table.get(run_key(ID), "RUN")
            sizes.append(len(repr(run)))
    assert sizes[1] - sizes[0] < 60
    shards = [item for item in items(table) if item["sk"].startswith("CLOSED#")]
    assert [len(item["pages"]) for item in shards] == [SHARD] * 10
    assert max(sum(len(str(n)) // 2 + 2 for n in item["pages"]) for item in shards) < 700


def test_a_worker_that_dies_between_its_two_writes_is_repeated(
    table: Table, ledger: Ledger
) -> None:
    """E8: its message comes again, and raises `closed_through`."""
    begin(table, SHARD)
    close_all(ledger, list(range(1, SHARD)))
    ledger.closed.add(ID, SHARD)  # and dies
    assert close_all(ledger, [SHARD]) == [True]


def test_two_workers_that_fill_two_shards_at_once_do_not_miss_each_other(
    table: Table, ledger: Ledger
) -> None:
    """E8: both sets are written before either of the two reads the other's."""
    begin(table, 2 * SHARD)
    close_all(ledger, [*range(1, SHARD), *range(SHARD + 1, 2 * SHARD)])
    ledger.closed.add(ID, SHARD)
    ledger.closed.add(ID, 2 * SHARD)
    assert close_all(ledger, [2 * SHARD, SHARD]) == [True, True]


def test_a_run_that_began_under_the_earlier_version_goes_on(table: Table, ledger: Ledger) -> None:
    """E8: pages 1 to 3 are in the set of the run's item, and a worker of that version adds 5."""
    begin(table, 6, closed_pages={1, 2, 3})
    assert close_all(ledger, [4]) == [False]
    table.update(run_key(ID), "RUN", "ADD closed_pages :five", "", {"five": {5}})
    assert close_all(ledger, [6]) == [True]


def test_the_pages_of_an_ended_run_of_the_earlier_version_count(table: Table) -> None:
    """R5: its event still proves that the run is complete."""
    assert begin(table, 2, closed_pages={1, 2}).all_pages_closed
    assert not begin(table, 3, closed_pages={1, 3}).all_pages_closed


def saved(table: Table) -> int | None:
    """Return up to which page the run's item says that all are closed."""
    item = table.get(run_key(ID), "RUN")
    assert item is not None
    return int(item["closed_through"]) if "closed_through" in item else None


def test_the_run_remembers_whole_shards_alone(table: Table) -> None:
    """E8: so its item is written once for a shard; the returned run is the item."""
    run, ledger = begin(table, 8), Ledger(table, LEASES, shard=3)
    for number, through, item in (
        (2, 0, None), (1, 0, None), (3, 3, 3), (4, 3, 3), (6, 3, 3), (5, 6, 6), (7, 6, 6),
    ):  # fmt: skip
        run = ledger.mark_page_closed(ID, number)
        assert run is not None
        assert (run.closed_through, saved(table)) == (through, item)
        assert not run.all_pages_closed
    last = ledger.mark_page_closed(ID, 8)
    assert last is not None
    assert (last.closed_through, last.all_pages_closed, saved(table)) == (8, True, 6)


def test_what_the_run_remembers_never_goes_back(table: Table) -> None:
    """E8: a slow caller has read the run earlier, and gets it as it is now."""
    early, ledger = begin(table, 8), Ledger(table, LEASES, shard=3)
    for number in range(1, 7):
        ledger.mark_page_closed(ID, number)
    late = ledger.closed.advance(early, frozenset({1, 2, 3}))
    assert (late.closed_through, saved(table)) == (6, 6)


def test_a_run_that_is_gone_is_not_written_again(table: Table) -> None:
    """E8: its items have expired; the caller keeps what it has read."""
    run = read_run(new_run(TRIGGER, date(2026, 3, 1), table.now()) | {"pages_total": 8})
    ledger = Ledger(table, LEASES, shard=3)
    for number in (1, 2, 3):
        ledger.closed.add(ID, number)
    assert ledger.closed.advance(run) == run
    assert table.get(run_key(ID), "RUN") is None


@pytest.mark.parametrize(
    ("through", "closed", "open_pages"),
    [
        (0, [], [1, 2, 3, 4, 5, 6, 7]),
        (2, [], [3, 4, 5, 6, 7]),
        (3, [4, 7], [5, 6]),
        (2, [3, 4, 5], [6, 7]),
        (5, [6], [7]),
        (7, [], []),
    ],
)
def test_pages_up_to_the_remembered_one_are_closed(
    table: Table, through: int, closed: list[int], open_pages: list[int]
) -> None:
    """O2: whatever the sets say of them."""
    begin(table, 7)
    table.update(run_key(ID), "RUN", "SET closed_through = :n", "", {"n": through})
    ledger = Ledger(table, LEASES, shard=3)
    for number in closed:
        ledger.closed.add(ID, number)
    run = ledger.find_run(ID)
    assert run is not None
    assert list(ledger.closed.open_pages(run)) == open_pages
    assert ledger.closed.count(run) == 7 - len(open_pages)
    assert ledger.closed.advance(run).all_pages_closed == (not open_pages)


def test_a_run_without_pages_has_no_open_one(table: Table, ledger: Ledger) -> None:
    """O2: also while its paging goes on."""
    assert list(ledger.closed.open_pages(begin(table, None))) == []


@settings(max_examples=25)
@given(st.sets(st.integers(1, 3 * SHARD)), st.integers(1, 3 * SHARD))
def test_open_and_closed_pages_are_all_pages(aws: Clients, closed: set[int], total: int) -> None:
    """O2: recovery works on the open ones alone."""
    table = create_ledger_table(aws.dynamodb, f"closed-{UUID(int=hash((total, *closed)) % 2**64)}")
    run, ledger = begin(table, total), Ledger(table, LEASES)
    due = {number for number in closed if number <= total}
    for number in due:
        ledger.closed.add(ID, number)
    run = ledger.closed.advance(run)
    assert set(ledger.closed.open_pages(run)) == set(range(1, total + 1)) - due
    assert ledger.closed.count(run) == len(due)
