"""Faults at the outside calls: before, after (the write landed), or the process dies."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

from botocore.exceptions import EndpointConnectionError

from mentor_pause.errors import DatabaseUnavailable, LedgerUnavailable

type Fault = Literal["ok", "before", "after", "dies before", "dies after"]

FAULTS: tuple[Fault, ...] = ("ok", "before", "after", "dies before", "dies after")


def failures(count: int) -> list[Fault]:
    """Return so many calls that fail, one after the other."""
    return ["before"] * count


class ProcessDied(BaseException):
    """What no code can catch and go on: the runtime killed the process."""


class Plan:
    """Decides the fault of each outside call in turn; when it is used up, all is well."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        """`faults` are taken one per call."""
        self._faults: Iterator[Fault] = iter(())
        self.injected = 0
        self.then(*faults)

    def then(self, *faults: Fault, after: int = 0) -> None:
        """Give the next calls these faults, `after` so many that go well; and count anew."""
        well: list[Fault] = ["ok"] * after
        due: list[Fault] = [*well, *faults]
        self._faults = iter(due)
        self.injected = 0

    def around[T](self, call: Callable[[], T], error: Exception) -> T:
        """Make one call, with the fault that is due."""
        fault = next(self._faults, "ok")
        self.injected += fault != "ok"
        if fault == "before":
            raise error
        if fault == "dies before":
            raise ProcessDied
        answer = call()
        if fault == "after":
            raise error
        if fault == "dies after":
            raise ProcessDied
        return answer


class Faulty:
    """Stands before a client or a wire; the named methods go through the plan."""

    def __init__(self, inner: Any, methods: tuple[str, ...], plan: Plan, error: Exception) -> None:
        """`error` is what the caller sees when a call fails."""
        self._inner = inner
        self._methods = methods
        self._plan = plan
        self._error = error

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in self._methods:
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            return self._plan.around(lambda: found(*args, **kwargs), self._error)

        return call


def faulty_wire(wire: Any, plan: Plan) -> Any:
    """A database that may be gone."""
    return Faulty(wire, ("call",), plan, DatabaseUnavailable("gone", "08006"))


def faulty_table(table: Any, plan: Plan) -> Any:
    """A ledger that may be gone."""
    return Faulty(table, ("get", "update", "put_new", "transact"), plan, LedgerUnavailable("gone"))


def faulty_client(client: Any, plan: Plan, *methods: str) -> Any:
    """An AWS service that may be gone."""
    return Faulty(client, methods, plan, EndpointConnectionError(endpoint_url="https://gone"))
