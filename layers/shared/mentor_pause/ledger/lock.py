"""The lock that keeps a job to one run at a time per organisation, and to one run per firing (D6).

One item, `LOCK#<job>#<org>`, taken by one conditional write. Dry runs have a lock of their own
(`LOCK#<job>#<org>#dry`): they change nothing, and nobody who asks for them can keep a night from
running.

          ┌────────── another firing ──────────┐
          v                                    │
    free ──acquire──> held ──release──> released
                      │  ^
        lease runs out│  │acquire: the same firing resumes its run,
                      v  │         another firing starts one of its own
                     expired

A dispatcher whose request has to wait for the database keeps the lock for its own firing
(`keep_for`): that firing can acquire it again at once, any other one only after the lease.

Every acquisition raises `fence`. A page that the holder plans, the end of its paging and what it
gives up are conditional on its fence (`still_held`), so that one who was taken for dead and lost
the lock can do none of these. The lease is in seconds of the epoch, by DynamoDB's clock
(`Table.now`), which all holders share. A lease that ends more than an hour after every possible
lease was written by a clock that was wrong: it has run out.

`open_runs` is the set of runs that acquired the lock and have not ended. Who acquires it next ends
those that were abandoned, also when an earlier one tried and failed; should nobody want the lock,
the monitor takes it for that alone (O2).
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from mentor_pause.domain.runs import Firing
from mentor_pause.ledger.table import Action, Table

_FREE = "attribute_not_exists(pk)"
_RELEASED_AND_NEW_FIRING = "(attribute_exists(released_at) and trigger_id <> :trigger_id)"
_LEASE_RAN_OUT = (
    "(attribute_not_exists(released_at) and"
    " (lease_expires_at <= :now or lease_expires_at > :no_lease))"
)
_KEPT_FOR_THIS_FIRING = "(attribute_not_exists(released_at) and kept_for = :trigger_id)"
_CAN_ACQUIRE = (
    f"{_FREE} or {_RELEASED_AND_NEW_FIRING} or {_LEASE_RAN_OUT} or {_KEPT_FOR_THIS_FIRING}"
)
KEPT_SECONDS = 900
"""For a scheduled firing that waits for the database; longer than its request waits on the queue.
No run by hand takes its place meanwhile, which may be about fewer mentors."""

TOLERATED_SECONDS = 3600
"""How far a clock may be off where DynamoDB does not tell the time."""

_STILL_HELD = "fence = :fence and attribute_not_exists(released_at)"


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that was acquired."""

    firing: Firing
    fence: int
    abandoned: frozenset[UUID] = frozenset()
    """Runs that held it before and have not ended; perhaps nobody else will end them."""


@dataclass(frozen=True, slots=True)
class Held:
    """Why a lock was not acquired."""

    by_run: UUID
    same_firing: bool
    """The firing has its run already: this delivery is a duplicate."""
    is_released: bool = field(default=False, compare=False)
    """The firing's run has let the lock go: it has ended, or never began."""
    open_runs: frozenset[UUID] = field(default=frozenset(), compare=False)
    """The runs that have not ended; when the monitor holds the lock, those that it is ending."""


def lock_key(firing: Firing) -> str:
    """Return the key of the lock that a firing needs."""
    return f"LOCK#{firing.job_name}#{firing.org_id}{'#dry' if firing.dry_run else ''}"


class Locks:
    """The locks in the ledger's table."""

    def __init__(self, table: Table, longest_lease: int = 43_200) -> None:
        """`table` is the ledger; no lease lasts for more than `longest_lease` seconds."""
        self._table = table
        self._longest = longest_lease + TOLERATED_SECONDS

    def acquire(self, firing: Firing, holder: str, now: datetime, lease: int) -> Lock | Held:
        """Take the lock for `lease` seconds, or say who has it.

        `holder` is a token of the caller's own. When the write landed and only its answer was
        lost, a repeated call meets its own item, and must not take that for another delivery's.
        """
        acquired, item = self._table.update(
            lock_key(firing),
            "LOCK",
            "SET job_run_id = :run, trigger_id = :trigger_id, holder = :holder, "
            "lease_expires_at = :lease REMOVE released_at, kept_for "
            "ADD fence :one, open_runs :open",
            _CAN_ACQUIRE,
            {
                "run": str(firing.job_run_id),
                "trigger_id": firing.trigger_id,
                "holder": holder,
                "now": _seconds(now),
                "no_lease": _seconds(now) + self._longest,
                "lease": _seconds(now) + lease,
                "one": 1,
                "open": {str(firing.job_run_id)},
            },
        )
        if acquired or item.get("holder") == holder:
            others = frozenset(map(UUID, item.get("open_runs", ()))) - {firing.job_run_id}
            return Lock(firing, int(item["fence"]), others)
        return Held(
            UUID(item["job_run_id"]),
            same_firing=item["trigger_id"] == firing.trigger_id,
            is_released="released_at" in item,
            open_runs=frozenset(map(UUID, item.get("open_runs", ()))),
        )

    def find_hung(
        self, firing: Firing, since: datetime, kept_since: datetime | None = None
    ) -> frozenset[UUID]:
        """Return the runs that have not ended, if nobody has had a lease on the lock since then.

        `kept_since` takes the place of `since` for a lock that is kept for a firing whose request
        waits: the request comes again.
        """
        item = self._table.get(lock_key(firing), "LOCK")
        if item is None:
            return frozenset()
        is_kept = "kept_for" in item and "released_at" not in item
        earliest = kept_since if is_kept and kept_since else since
        last_lease = _seconds(since) + self._longest
        if _seconds(earliest) < item["lease_expires_at"] <= last_lease:
            return frozenset()
        return frozenset(map(UUID, item.get("open_runs", ())))

    def find_run(self, firing: Firing) -> UUID | None:
        """Return the run that acquired the lock last; None: nobody has acquired it yet."""
        item = self._table.get(lock_key(firing), "LOCK")
        return UUID(item["job_run_id"]) if item else None

    def still_held(self, lock: Lock, now: datetime, lease: int) -> Action:
        """Make a part for a transaction that fails unless the lock is held, and renews it."""
        return self._table.update_action(
            lock_key(lock.firing),
            "LOCK",
            "SET lease_expires_at = :lease",
            _STILL_HELD,
            {"fence": lock.fence, "lease": _seconds(now) + lease},
        )

    def extend(self, firing: Firing, now: datetime, lease: int) -> None:
        """Extend the lease of a run that moves; nothing if it lost the lock."""
        self._table.update(
            lock_key(firing),
            "LOCK",
            "SET lease_expires_at = :lease",
            "job_run_id = :run and attribute_not_exists(released_at)",
            {"run": str(firing.job_run_id), "lease": _seconds(now) + lease},
        )

    def keep_for(self, lock: Lock, now: datetime, seconds: int) -> None:
        """Keep the lock for its own firing, which comes again; nothing if it was lost meanwhile."""
        self._table.update(
            lock_key(lock.firing),
            "LOCK",
            "SET kept_for = :trigger_id, lease_expires_at = :lease",
            _STILL_HELD,
            {
                "fence": lock.fence,
                "trigger_id": lock.firing.trigger_id,
                "lease": _seconds(now) + seconds,
            },
        )

    def forget(self, firing: Firing, job_run_id: UUID) -> None:
        """Note that a run which holds the lock, or held it, has ended."""
        self._table.update(
            lock_key(firing),
            "LOCK",
            "DELETE open_runs :ended",
            "attribute_exists(pk)",
            {"ended": {str(job_run_id)}},
        )

    def release(self, firing: Firing, now: datetime) -> None:
        """Let the next firing have the lock; nothing if another run has it by now."""
        self._table.update(
            lock_key(firing),
            "LOCK",
            "SET released_at = :now",
            "job_run_id = :run and attribute_not_exists(released_at)",
            {"run": str(firing.job_run_id), "now": _seconds(now)},
        )


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
