"""Faults at the outside calls, by plan: before the call, after it (the write landed), or the process dies."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

from botocore.exceptions import EndpointConnectionError
from mentor_pause.errors import DatabaseUnavailable, LedgerUnavailable

type Fault = Literal["ok", "before", "after", "dies before", "dies after"]

FAULTS: tuple[Fault, ...] = ("ok", "before", "after", "dies before", "dies after")


class ProcessDied(BaseException):
    """What no code can catch and go on: the runtime killed the process."""


class Plan:
    """Decides the fault of each outside call in turn; when it is used up, all is well."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        """`faults` are taken one per call."""
        self._faults: Iterator[Fault] = iter(())
        self.injected = 0
        self.then(*faults)

    def then(self, *faults: Fault) -> None:
        """Give the next calls these faults, and count anew."""
        self._faults = iter(faults)
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

    def __init__(self, inner: Any, methods: tuple[str, ...], plan: Plan, error: Exception) -> None:  # noqa: ANN401
        """`error` is what the caller sees when a call fails."""
        self._inner = inner
        self._methods = methods
        self._plan = plan
        self._error = error

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        found = getattr(self._inner, name)
        if name not in self._methods:
            return found
        return lambda *args, **kwargs: self._plan.around(lambda: found(*args, **kwargs), self._error)


def faulty_wire(wire: Any, plan: Plan) -> Any:  # noqa: ANN401
    """A database that may be gone."""
    return Faulty(wire, ("call",), plan, DatabaseUnavailable("gone", "08006"))


def faulty_table(table: Any, plan: Plan) -> Any:  # noqa: ANN401
    """A ledger that may be gone."""
    return Faulty(table, ("get", "update", "put_new", "transact"), plan, LedgerUnavailable("gone"))


def faulty_client(client: Any, plan: Plan, *methods: str) -> Any:  # noqa: ANN401
    """An AWS service that may be gone."""
    return Faulty(client, methods, plan, EndpointConnectionError(endpoint_url="https://gone"))
