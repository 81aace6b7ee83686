"""Which changes are tried, and which tests can notice each of them."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache, partial
from pathlib import Path

import psycopg

from local.places import ROOT
from mutants.changes import Mutant
from mutants.python import Change, Source, loaded_functions
from mutants.reach import Store
from mutants.runner import Trial
from mutants.sql import SqlChange, read_sql
from support.cluster import Cluster

_SHARED = "layers/shared/mentor_pause"
_SQL = "supabase/schemas"
_OUTBOX = (
    "functions/begin_digest", "functions/finish_digest", "functions/settle_messages",
    "functions/record_delivery", "functions/write_warnings", "private/functions/take_messages",
    "private/functions/digest_content", "private/functions/is_message_true",
    "private/functions/notify_page", "private/functions/move_digest",
    "private/functions/tell_administrators",
)  # fmt: skip
_BRAKE = (
    "functions/update_mentor_status", "functions/make_plan", "functions/approve_plan",
    "private/functions/plan_page", "private/functions/brake_of",
    "private/functions/brake_outcome", "private/functions/compare_plans",
    "private/functions/newest_plan", "private/functions/held_entries",
    "private/functions/held_mentors", "private/functions/why_planned",
    "private/functions/withdrawal_outcome", "private/functions/assert_approved",
    "private/functions/assert_transition_request",
)  # fmt: skip
_NEAR = {
    **dict.fromkeys(
        _BRAKE, ("approve", "test_brake.py", "make_plan", "forewarned", "plan", "withdrawal")
    ),
    **dict.fromkeys(
        ("functions/update_mentor_status", "private/functions/assert_transition_request"),
        (
            "update_mentor_status",
            "people",
            "status_locks",
            "uncertified",
            "job_roles",
            "test_brake",
        ),
    ),
    "private/functions/why_planned": ("forewarned",),
    "private/functions/brake_of": ("make_plan",),
    **dict.fromkeys(_OUTBOX, ("digest", "message", "deliver", "warning", "outbox")),
}
"""Words in the names of the tests that probably notice a change of a function."""
_NEAR_A_POLICY = (
    "supabase/test_access.py::test_every_cell", "test_people", "personas", "messages_for_people",
    "people", "console/test_access",
)  # fmt: skip

MODULES = (
    "functions/expiry/pause.py", f"{_SHARED}/engine", f"{_SHARED}/ledger", f"{_SHARED}/domain",
    f"{_SHARED}/database/rest.py", f"{_SHARED}/database/pooled.py",
    f"{_SHARED}/database/transport.py", f"{_SHARED}/database/person_client.py",
    f"{_SHARED}/portal/login.py", f"{_SHARED}/portal/requests.py", "functions/console/cookies.py",
    "functions/console/visit.py", "functions/console/pages/sign_in.py",
    *(f"{_SQL}/{name}.sql" for name in (*_BRAKE, *_OUTBOX)),
    f"{_SQL}/tables",
)  # fmt: skip
"""What docs/mutants.md has results for."""

_REMOVABLE = """
    select format('alter table %%s drop constraint %%I', k.conrelid::regclass, k.conname),
        pg_get_constraintdef(k.oid), k.conname
    from pg_constraint as k where k.contype = 'c' and k.conrelid = %s::regclass
    union all
    select format('drop index %%s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid),
        c.relname
    from pg_index as i inner join pg_class as c on c.oid = i.indexrelid
    where i.indisunique and not i.indisprimary and i.indrelid = %s::regclass
        and not exists (select from pg_constraint as k where k.conindid = i.indexrelid)
    order by 3
"""
_TABLE = re.compile(r"create table (public\.\w+)")


def plan(
    files: Sequence[Path], is_wanted: Callable[[Mutant], bool], store: Store, cluster: Cluster
) -> Iterator[Trial]:
    """Yield every wanted change of the files, with its tests."""
    for file in files:
        trials = _python(file, store) if file.suffix == ".py" else _sql(file, store, cluster)
        for trial in trials:
            if is_wanted(trial.mutant):
                yield trial


def _python(file: Path, store: Store) -> Iterator[Trial]:
    functions, sources, source = loaded_functions(), _sources(), Source.read(file)
    near = _named_tests(file)
    for change in source.changes:
        use: Callable[[], bool] = partial(source.use, change, functions)
        tests = _reaching(change, source, sources, store)
        yield Trial(change.mutant, use, tests, near)


def _named_tests(file: Path) -> Sequence[str]:
    """Return the tests that tests/README.md names for a module."""
    row = re.search(
        rf"^\| \[[^]]+\]\(\.\./{re.escape(str(file.relative_to(ROOT)))}\) \| (.+) \|$",
        (ROOT / "tests/README.md").read_text(),
        re.MULTILINE,
    )
    return re.findall(r"\]\(([^)]+)\)", row[1]) if row else ()


@cache
def _sources() -> Sequence[Source]:
    """Return the Lambda functions and layers, which may use a module's constants."""
    return [Source.read(f) for name in ("functions", "layers") for f in _below(name, "py")]


def _below(folder: str, suffix: str) -> list[Path]:
    return sorted((ROOT / folder).rglob(f"*.{suffix}"))


def _reaching(
    change: Change, source: Source, sources: Sequence[Source], store: Store
) -> Sequence[str]:
    """Return the tests that run a changed line, or that a changed constant concerns.

    These run a line that uses the constant, or their file names it.
    """
    names = set[str]() if change.function else source.dependents(change.mutant.inside)
    wanted = {str(source.file): change.lines} if change.function else _lines_with(names, sources)
    return [
        test
        for test, reach in store.known.items()
        if any(not lines.isdisjoint(reach.lines.get(file, ())) for file, lines in wanted.items())
        or not names.isdisjoint(_words(test.partition("::")[0]))
    ]


def _lines_with(names: Collection[str], sources: Sequence[Source]) -> dict[str, frozenset[int]]:
    """Return the lines of functions that use one of the names, by file."""
    found = {
        str(each.file): frozenset(line for name in names for line in each.uses.get(name, ()))
        for each in sources
    }
    return {file: lines for file, lines in found.items() if lines}


@cache
def _words(file: str) -> frozenset[str]:
    """Return the words of a test's file."""
    return frozenset(re.findall(r"\w+", (ROOT / file).read_text()))


def _sql(file: Path, store: Store, cluster: Cluster) -> Iterator[Trial]:
    """Yield the changes of a schema file that PostgreSQL accepts."""
    callers = Callers()
    name = cluster.clone()
    with psycopg.connect(cluster.server.url(name)) as connection:
        number = 0
        for source in read_sql(file):
            for change in source.changes(number):
                number = change.mutant.number + 1
                if _is_valid(connection, change.statements):
                    yield _sql_trial(change, callers, store, cluster)
        for change in removals(file, connection, number):
            yield _sql_trial(change, callers, store, cluster)


def _is_valid(connection: psycopg.Connection, statements: str) -> bool:
    try:
        connection.execute(statements.encode())
    except psycopg.Error:
        return False
    finally:
        connection.rollback()
    return True


def removals(file: Path, connection: psycopg.Connection, first: int) -> Iterator[SqlChange]:
    """Yield the checks and unique indexes of the file's table, each dropped."""
    if (table := _TABLE.search(file.read_text())) is None:
        return
    rows = connection.execute(_REMOVABLE, (table[1], table[1])).fetchall()
    connection.rollback()
    for number, (statement, definition, name) in enumerate(rows, first):
        mutant = Mutant(file, number, 1, f"{table[1]} {name}", definition, "nothing")
        yield SqlChange(mutant, statement, table[1])


def _sql_trial(change: SqlChange, callers: "Callers", store: Store, cluster: Cluster) -> Trial:
    def use() -> bool:
        cluster.changes = change.statements.encode()
        return True

    is_policy = change.mutant.inside.startswith("policy ")
    names = callers.in_policies(change.name) if is_policy else callers.of(change.name)
    tests = [test for test, reach in store.known.items() if not names.isdisjoint(reach.functions)]
    file = str(change.mutant.file.relative_to(ROOT / _SQL).with_suffix(""))
    near = _NEAR_A_POLICY if is_policy else _NEAR.get(file, ())
    return Trial(change.mutant, use, tests, (change.name.rpartition(".")[2], *near))


class Callers:
    """Which counted functions tell that a function, view, table or policy is in use.

    PostgreSQL counts the calls of functions, unless it inlines them, and no uses of the others.
    """

    def __init__(self) -> None:
        """Read the text of every function and policy."""
        sources = [source for file in _below(_SQL, "sql") for source in read_sql(file)]
        self._texts = {s.name: s.text for s in sources if "function" in s.text[:40]}
        self._policies = {s.name: s.text for s in sources if s.text.startswith("create policy")}

    def of(self, name: str) -> set[str]:
        """Return the function itself; with those that name it, if PostgreSQL may inline it."""
        found, new = {name}, [name]
        while new:
            inner = new.pop()
            if "language plpgsql" in self._texts.get(inner, ""):
                continue
            pattern = re.compile(rf"{re.escape(inner)}\b")
            callers = {n for n, text in self._texts.items() if pattern.search(text)} - found
            found |= callers
            new += callers
        return found

    def in_policies(self, table: str) -> set[str]:
        """Return the functions that a table's policy calls, or a policy of a table that it reads.

        Whoever asks for a row as a person calls them.
        """
        found, tables, new = set[str](), {table}, [table]
        while new:
            text = self._policies.get(new.pop(), "")
            called = set(re.findall(r"private\.\w+", text))
            read = (set(re.findall(r"public\.\w+", text)) & self._policies.keys()) - tables
            found |= called
            tables |= read
            new += read
        return found
