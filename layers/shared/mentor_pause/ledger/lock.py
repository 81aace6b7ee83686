"""The lock: one run at a time per job and organisation, and one run per trigger (D6).

One item, `LOCK#<job>#<org>`, which one conditional write acquires. Dry runs have their own lock
(`LOCK#<job>#<org>#dry`), because a dry run changes nothing and must not block a night.

                       ┌────── acquire: another trigger ───────┐
                       v                                       │
    free ──acquire──> held ──────────────release──────────> released
                      │ │^
                      │ │└──acquire: the same trigger──┐
                      │ └──────────reserve──────> reserved
                      │                                │
                lease runs out                   lease runs out
                      │                                │
                      └──────────> expired <───────────┘

An expired lock can be acquired by its own trigger, which resumes its run, or by another trigger,
which starts its own run.

A dispatcher whose run request has to wait for the database reserves the lock for its trigger
(`reserve`). That trigger can acquire the lock at once; another trigger can only after the lease.
A dispatcher whose time runs short reserves the lock too, and the next invocation takes it under the
same fence (`take_again`).

Every acquisition raises `fence`. Planning a page, the end of paging and failing a page are
conditional on the holder's fence (`still_held`). A holder that lost the lock can do none of them.
A lease is in seconds of the epoch by DynamoDB's clock (`Table.now`), which all holders share. No
lease is longer than `longest_lease`. A lease that ends over an hour later than that was written
with a wrong clock and counts as run out.

`open_runs` is the set of runs that acquired the lock and have not ended. The next holder ends the
abandoned ones, also those that an earlier holder tried and failed to end. If nobody acquires the
lock, the monitor does (O2), after more time if the lock is reserved for a request that waits for a
service.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from mentor_pause.domain.runs import Trigger
from mentor_pause.ledger.table import Action, Item, Table

_FREE = "attribute_not_exists(pk)"
_RELEASED_AND_NEW_TRIGGER = "(attribute_exists(released_at) and trigger_id <> :trigger_id)"
_LEASE_RAN_OUT = (
    "(attribute_not_exists(released_at) and"
    " (lease_expires_at <= :now or lease_expires_at > :no_lease))"
)
_RESERVED_FOR_THIS_TRIGGER = "(attribute_not_exists(released_at) and reserved_for = :trigger_id)"
_CAN_ACQUIRE = (
    f"{_FREE} or {_RELEASED_AND_NEW_TRIGGER} or {_LEASE_RAN_OUT} or {_RESERVED_FOR_THIS_TRIGGER}"
)
_STILL_HELD = "fence = :fence and attribute_not_exists(released_at)"
_HELD_BY_RUN = "job_run_id = :run and attribute_not_exists(released_at)"

RESERVED_SECONDS = 900
"""How long the lock is reserved for a trigger whose request comes back, which it does earlier: a
scheduled request that waits for a service, or any request whose run was handed over. Without the
reservation another run, perhaps for fewer mentors, could replace the nightly run."""

TOLERATED_SECONDS = 3600
"""How far a clock may be off when DynamoDB's answers have no date."""


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that was acquired."""

    trigger: Trigger
    fence: int
    abandoned: frozenset[UUID] = frozenset()
    """Earlier holders' runs that have not ended."""

    @property
    def claimant(self) -> str:
        """The holder's name when it claims the completion of a run."""
        return f"holder {self.fence}"


@dataclass(frozen=True, slots=True)
class Held:
    """Why a lock was not acquired."""

    by_run: UUID
    same_trigger: bool
    """The trigger has its run already: this delivery is a duplicate."""
    is_released: bool = field(default=False, compare=False)
    """The trigger's run has released the lock: it has ended, or never began."""
    open_runs: frozenset[UUID] = field(default=frozenset(), compare=False)
    """The runs that have not ended. While the monitor holds the lock, it is ending these runs."""


def lock_key(trigger: Trigger) -> str:
    """Return the key of the lock that a trigger needs."""
    return f"LOCK#{trigger.job_name}#{trigger.org_id}{'#dry' if trigger.dry_run else ''}"


@dataclass(frozen=True, slots=True)
class Locks:
    """The locks in the ledger's table."""

    table: Table
    longest_lease: int = 43_200
    """Seconds; no lease is longer."""

    def acquire(self, trigger: Trigger, holder: str, lease: int) -> Lock | Held:
        """Acquire the lock for `lease` seconds, or say which run has it.

        `holder` is a token of the caller. If the write succeeded and only its answer was lost, a
        repeated call finds the caller's own token and does not take it for another delivery.
        """
        now = self._now()
        acquired, item = self.table.update(
            lock_key(trigger),
            "LOCK",
            "SET job_run_id = :run, trigger_id = :trigger_id, holder = :holder, "
            "lease_expires_at = :lease REMOVE released_at, reserved_for "
            "ADD fence :one, open_runs :open",
            _CAN_ACQUIRE,
            {
                "run": str(trigger.job_run_id),
                "trigger_id": trigger.trigger_id,
                "holder": holder,
                "now": now,
                "no_lease": now + self.longest_lease + TOLERATED_SECONDS,
                "lease": now + lease,
                "one": 1,
                "open": {str(trigger.job_run_id)},
            },
        )
        if acquired or item.get("holder") == holder:
            return Lock(trigger, int(item["fence"]), _open_runs(item) - {trigger.job_run_id})
        return Held(
            UUID(item["job_run_id"]),
            same_trigger=item["trigger_id"] == trigger.trigger_id,
            is_released="released_at" in item,
            open_runs=_open_runs(item),
        )

    def take_again(self, trigger: Trigger, fence: int, holder: str, lease: int) -> Lock | None:
        """Take a lock that its holder reserved, under the same fence (`reserve`).

        Returns:
            None: it is not reserved under this fence. Another delivery took it, or the run ended.
        """
        taken, item = self.table.update(
            lock_key(trigger),
            "LOCK",
            "SET holder = :holder, lease_expires_at = :lease REMOVE reserved_for",
            f"{_STILL_HELD} and {_HELD_BY_RUN} and reserved_for = :trigger_id",
            {
                "run": str(trigger.job_run_id),
                "trigger_id": trigger.trigger_id,
                "fence": fence,
                "holder": holder,
                "lease": self._now() + lease,
            },
        )
        if taken or item.get("holder") == holder:
            return Lock(trigger, fence, _open_runs(item) - {trigger.job_run_id})
        return None

    def find_hung(
        self, trigger: Trigger, since: datetime, reserved_since: datetime | None = None
    ) -> frozenset[UUID]:
        """Return the lock's open runs, if its lease had run out by `since`; otherwise none.

        `reserved_since` replaces `since` for a lock that is reserved for a waiting run request.
        """
        item = self.table.get(lock_key(trigger), "LOCK")
        if item is None:
            return frozenset()
        is_reserved = "reserved_for" in item and "released_at" not in item
        waits = is_reserved and item.get("request_waits")
        earliest = reserved_since if waits and reserved_since else since
        last_lease = _seconds(since) + self.longest_lease + TOLERATED_SECONDS
        if _seconds(earliest) < item["lease_expires_at"] <= last_lease:
            return frozenset()
        return _open_runs(item)

    def find_run(self, trigger: Trigger) -> UUID | None:
        """Return the run that acquired the lock last; None: no run ever did."""
        item = self.table.get(lock_key(trigger), "LOCK")
        return UUID(item["job_run_id"]) if item else None

    def still_held(self, lock: Lock, lease: int) -> Action:
        """Build the part of a transaction that fails unless the lock is held, and renews it."""
        return self.table.update_action(
            lock_key(lock.trigger),
            "LOCK",
            "SET lease_expires_at = :lease",
            _STILL_HELD,
            {"fence": lock.fence, "lease": self._now() + lease},
        )

    def extend(self, trigger: Trigger, lease: int) -> None:
        """Extend the lease of an active run; does nothing if the run lost the lock."""
        self.table.update(
            lock_key(trigger),
            "LOCK",
            "SET lease_expires_at = :lease",
            _HELD_BY_RUN,
            {"run": str(trigger.job_run_id), "lease": self._now() + lease},
        )

    def reserve(self, lock: Lock, *, waits: bool) -> None:
        """Reserve the lock for its own trigger; does nothing if the lock was lost.

        `waits`: the request waits for a service. False: the queue delivers it at once.
        """
        self.table.update(
            lock_key(lock.trigger),
            "LOCK",
            "SET reserved_for = :trigger_id, lease_expires_at = :lease, request_waits = :waits",
            _STILL_HELD,
            {
                "fence": lock.fence,
                "trigger_id": lock.trigger.trigger_id,
                "lease": self._now() + RESERVED_SECONDS,
                "waits": waits,
            },
        )

    def cancel_reservation(self, lock: Lock, lease: int) -> None:
        """Give a reserved lock its usual lease again; does nothing if the lock was lost."""
        self.table.update(
            lock_key(lock.trigger),
            "LOCK",
            "SET lease_expires_at = :lease REMOVE reserved_for",
            _STILL_HELD,
            {"fence": lock.fence, "lease": self._now() + lease},
        )

    def remove_open_run(self, trigger: Trigger, job_run_id: UUID) -> None:
        """Record that a run, which holds the lock or held it before, has ended."""
        self.table.update(
            lock_key(trigger),
            "LOCK",
            "DELETE open_runs :ended",
            "attribute_exists(pk)",
            {"ended": {str(job_run_id)}},
        )

    def remove_unopened(self, lock: Lock, job_run_id: UUID) -> bool:
        """Record that a run is not in the ledger; False: somebody acquired the lock after `lock`.

        That may have been the run's own trigger, which opened it. Then it stays an open run.
        """
        removed, _ = self.table.update(
            lock_key(lock.trigger),
            "LOCK",
            "DELETE open_runs :unopened",
            "fence = :fence",
            {"unopened": {str(job_run_id)}, "fence": lock.fence},
        )
        return removed

    def release(self, trigger: Trigger) -> None:
        """Release the lock for the next trigger; does nothing if another run holds it."""
        self.table.update(
            lock_key(trigger),
            "LOCK",
            "SET released_at = :now",
            _HELD_BY_RUN,
            {"run": str(trigger.job_run_id), "now": self._now()},
        )

    def give_back(self, trigger: Trigger) -> None:
        """Release the lock of a run that never began; the same trigger may acquire it again."""
        self.table.update(
            lock_key(trigger),
            "LOCK",
            "SET released_at = :now, trigger_id = :none",
            _HELD_BY_RUN,
            {
                "run": str(trigger.job_run_id),
                "now": self._now(),
                "none": "none: its run never began",
            },
        )

    def abandon(self, trigger: Trigger) -> None:
        """Release the lock of a run that will not be done."""
        self.release(trigger)
        self.remove_open_run(trigger, trigger.job_run_id)

    def _now(self) -> int:
        return _seconds(self.table.now())


def _open_runs(item: Item) -> frozenset[UUID]:
    return frozenset(map(UUID, item.get("open_runs", ())))


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
