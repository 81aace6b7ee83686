"""Faults of the system, not of a mentor. Each is a context manager that ends its fault."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager

import psycopg

from local.supabase import postgrest
from support.deployed import Deployed
from support.way import Secret, detour, end_functions

type Fault = Callable[[Deployed], AbstractContextManager[None]]

_DATABASE = ("mentor-pause/database",)
_FUNCTION = "function update_mentor_status"


def _wrong_password(stack: Deployed) -> AbstractContextManager[None]:
    def change(secret: Secret) -> Secret:
        role, _, behind = secret["SUPABASE_DB_URL"].partition("://")[2].partition(":")
        address = behind.rpartition("@")[2]
        return {"SUPABASE_DB_URL": f"postgresql://{role}:wrong@{address}"}

    return detour(stack, change, _DATABASE)


def rest(key: str) -> Fault:
    """Return the way by the REST interface, with this key."""

    @contextmanager
    def fault(stack: Deployed) -> Generator[None]:
        with postgrest(stack.local.database_url()) as url:

            def change(_: Secret) -> Secret:
                return {"SUPABASE_URL": url, "SUPABASE_SERVICE_ROLE_KEY": key}

            with detour(stack, change, _DATABASE):
                yield

    return fault


def _statements(begin: str, end: str) -> Fault:
    @contextmanager
    def fault(stack: Deployed) -> Generator[None]:
        with psycopg.connect(stack.local.database_url(), autocommit=True) as owner:
            owner.execute(begin.encode())
            end_functions(stack)
            try:
                yield
            finally:
                owner.execute("set default_transaction_read_only = off")
                owner.execute(end.encode())
                end_functions(stack)

    return fault


FAULTS: dict[str, Fault] = {
    "wrong-password": _wrong_password,
    "rest-wrong-key": rest("sb_secret_wrong"),
    "execute-revoked": _statements(
        f"revoke execute on {_FUNCTION} from mentor_pause_job, service_role",
        f"grant execute on {_FUNCTION} to mentor_pause_job, service_role",
    ),
    "function-missing": _statements(
        f"alter {_FUNCTION} rename to away", "alter function away rename to update_mentor_status"
    ),
    "read-only": _statements(
        "alter database mentor_pause set default_transaction_read_only = on",
        "alter database mentor_pause reset default_transaction_read_only",
    ),
}
