"""The set of a run's closed pages, in items of a bounded size (E8).

    RUN#<job_run_id> / CLOSED#<shard>   the numbers of the closed pages among 100 pages

Pages 1 to 100 are in shard 1, pages 101 to 200 in shard 2. Closing a page adds its number to the
set of its shard. So a close costs the same at page 1 and at page 10,000, and it can be repeated.

The run's item has the number `closed_through`: all pages up to this one are closed. Whoever fills
a shard saves the number at the end of that shard (`advance`). At the end of the run, the claim of
the completion saves it (`Ledger.claim_completion`). It rises only over pages that are in the sets,
so a counter never decides whether a run is complete. If the process dies between the two writes,
its message comes again and raises the number. If two workers fill two shards at the same moment, at
least one of them reads both sets.

An earlier version kept one set in the run's item. A run that began under that version goes on: its
set (`Run.closed_pages`) counts together with the shards.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, groupby
from uuid import UUID

from mentor_pause.domain.runs import Run
from mentor_pause.ledger.items import expiry, read_run, run_key
from mentor_pause.ledger.table import Action, Item, Table, Value

SHARD = 100
"""Pages in a shard. A full set has about 500 bytes, half of a write unit."""

_ADD = "ADD #pages :pages SET expires_at = :expires"
_PREFIX, _LAST = "CLOSED#", "CLOSED#~"
"""The sort keys of all shards are between these two."""


@dataclass(frozen=True, slots=True)
class ClosedPages:
    """The sets of closed pages in the ledger's table."""

    table: Table
    size: int = SHARD
    """Pages in a shard; all versions that work on a run must agree."""

    def add(self, job_run_id: UUID, number: int) -> frozenset[int]:
        """Add a page, which is safe to repeat, and return the closed pages of its shard."""
        _, item = self.table.update(
            run_key(job_run_id),
            _shard_key(self._shard_of(number)),
            _ADD,
            "",
            self._values({number}),
        )
        return _numbers(item)

    def add_actions(self, job_run_id: UUID, numbers: Sequence[int]) -> list[Action]:
        """Build the parts of a transaction that add pages, one for each shard."""
        key = run_key(job_run_id)
        return [
            self.table.update_action(key, _shard_key(shard), _ADD, "", self._values(of_shard))
            for shard, of_shard in groupby(sorted(numbers), self._shard_of)
        ]

    def _values(self, numbers: Iterable[int]) -> dict[str, Value]:
        return {"pages": set(numbers), "expires": expiry(self.table.now())}

    def advance(self, run: Run, known: frozenset[int] | None = None) -> Run:
        """Raise `closed_through` over the pages that are closed; return the run as it is then.

        `known` are the closed pages of the shard after `closed_through`, if the caller knows them.
        The number is saved at the end of a shard. At the end of the run, the claim of the
        completion saves it (`Ledger.claim_completion`).
        """
        through = run.closed_through
        for shard, closed in self._sets(run, known):
            while through + 1 in closed:
                through += 1
            if through < self._last_page(shard):
                break
        if through == run.pages_total:
            return replace(run, closed_through=through)
        if through == run.closed_through or through % self.size:
            return run
        _, item = self.table.update(
            run_key(run.job_run_id),
            "RUN",
            "SET closed_through = :through",
            "attribute_exists(pk)"
            " and (attribute_not_exists(closed_through) or closed_through < :through)",
            {"through": through},
        )
        return read_run(item) if item else run

    def open_pages(self, run: Run) -> Iterator[int]:
        """Yield the numbers of the open pages of a run whose paging has ended."""
        total = run.pages_total or 0
        for shard, closed in self._sets(run):
            for number in range(self._first_page(shard), min(self._last_page(shard), total) + 1):
                if number > run.closed_through and number not in closed:
                    yield number
            if self._last_page(shard) >= total:
                return

    def count(self, run: Run) -> int:
        """Return how many pages are closed."""
        closed = set(run.closed_pages)
        for item in self.table.query(run_key(run.job_run_id), _PREFIX, _LAST):
            closed |= _numbers(item)
        return run.closed_through + sum(number > run.closed_through for number in closed)

    def advance_after(self, run: Run, number: int, closed: frozenset[int]) -> Run:
        """Advance if `closed`, the pages of this page's shard, fill the shard."""
        shard = self._shard_of(number)
        last = min(self._last_page(shard), run.pages_total or self._last_page(shard))
        if not (closed | run.closed_pages).issuperset(range(self._first_page(shard), last + 1)):
            return run
        is_next = shard == self._shard_of(run.closed_through + 1)
        return self.advance(run, closed if is_next else None)

    def _shard_of(self, number: int) -> int:
        return (number - 1) // self.size + 1

    def _first_page(self, shard: int) -> int:
        return (shard - 1) * self.size + 1

    def _last_page(self, shard: int) -> int:
        return shard * self.size

    def _sets(
        self, run: Run, known: frozenset[int] | None = None
    ) -> Iterator[tuple[int, frozenset[int]]]:
        """Yield the shards from `closed_through` on, without an end, with their closed pages.

        The first shard is read alone, because `closed_through` usually stays in it.
        """
        key, first = run_key(run.job_run_id), self._shard_of(run.closed_through + 1)
        if known is None:
            item = self.table.get(key, _shard_key(first))
            known = _numbers(item) if item else frozenset()
        yield first, known | run.closed_pages
        later = self.table.query(key, _shard_key(first + 1), _LAST)
        ahead = next(later, None)
        for shard in count(first + 1):
            if ahead is not None and ahead["sk"] == _shard_key(shard):
                yield shard, _numbers(ahead) | run.closed_pages
                ahead = next(later, None)
            else:
                yield shard, run.closed_pages


def _shard_key(shard: int) -> str:
    return f"{_PREFIX}{shard:06}"


def _numbers(item: Item) -> frozenset[int]:
    return frozenset(map(int, item.get("pages", ())))
