"""Holds what the database is asked within bounds, at a million mentors: `make plans`.

It builds a database of its own by `plans.sql`, asks each question as its caller does, and prints
the seconds and the blocks (8 KB, cached or not) that the server has touched, with those of all
nested statements. It fails if a question exceeds its bounds. The bound of the blocks is tight,
because they depend on the plan alone. The bound of the seconds is half of a role's limit, because
they depend on the machine. A question that is asked page by page is asked at the beginning, in the
middle and near the end. A later page may not cost more than the first one.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql
from rich.console import Console
from rich.table import Table

from local.scratch import run_command, scratch_database

MENTORS = 1_000_000
MOST_SECONDS = 4.0
"""Half of the job roles' `statement_timeout`."""
LONG = 8.0
"""The whole of it: the first night of all, whose caller asks for a tenth if it takes too long, and
the digest of one person who is responsible for 100,000 mentors with news."""
_ROSTER = Path(__file__).with_suffix(".sql")
_START: LiteralString = "'00000000-0000-0000-0000-000000000000'"
_PLACES: dict[str, LiteralString] = {
    "start": _START,
    "middle": "'80000000-0000-0000-0000-000000000000'",
    "end": "'f0000000-0000-0000-0000-000000000000'",
}


@dataclass(frozen=True, slots=True)
class Question:
    """A query with its bounds. `{place}` in it is the last id of the page before."""

    title: str
    query: LiteralString
    most_blocks: int
    person: str | None = None
    """Who asks; None: a service."""
    before: LiteralString = "select"
    """What happens before, in the same transaction, which is rolled back."""
    most_seconds: float = MOST_SECONDS

    @property
    def places(self) -> dict[str, LiteralString]:
        """The places at which it is asked."""
        return _PLACES if "{place}" in self.query else {"": _START}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question has cost at one place."""

    question: Question
    place: str
    seconds: float
    blocks: int
    rows: int

    @property
    def mistake(self) -> str | None:
        """Say which bound it exceeds."""
        if self.blocks > self.question.most_blocks:
            return f"more than {self.question.most_blocks:,} blocks"
        if self.seconds > self.question.most_seconds:
            return f"more than {self.question.most_seconds:.0f} s"
        return None


_HLF: LiteralString = "md5('hlf')::uuid"
_LIST: LiteralString = f"select * from list_expired_mentors({_HLF}, "
_PAGE: LiteralString = "select * from coordinator_mentor_statuses({me}, {place}, 50)"
_ROWS: LiteralString = "select * from peer_mentors where id > {place} order by id limit 50"
_UNSYNCED: LiteralString = f"select * from list_unsynced_mentors({_HLF}, current_date, "
_CHANGED: LiteralString = (
    "update peer_mentors set version = 2 where id in"
    " (select id from peer_mentors where id > {place} order by id limit 1000)"
)
_OUTCOMES: LiteralString = (
    f"select * from list_run_outcomes(md5('certification_expiry 0')::uuid, {_HLF}, current_date,"
    " array(select md5('mentor ' || i)::uuid from generate_series(1, 500) as i))"
)
_FRESHNESS: LiteralString = (
    f"select * from get_run_freshness({_HLF}, 'certification_expiry', current_date, now())"
)
_NOTIFY: LiteralString = "select notify_coordinators_page(md5('night')::uuid, {place}, 10000)"
_KNOWN: LiteralString = (
    "insert into messages (org_id, audience, person_id, kind, job_run_id, mentor_ids)"
    f" select {_HLF}, 'coordinator', md5(name)::uuid, 'paused', md5('night')::uuid,"
    " array(select id from peer_mentors where id <= {place} order by id)"
    " from unnest(array['everybody', 'chapters']) as name"
    " where exists (select from peer_mentors where id <= {place})"
)
_CERTIFICATIONS: LiteralString = (
    "select * from coordinator_mentor_certifications({me}, md5('mentor 77')::uuid)"
)
_HISTORY: LiteralString = "select * from coordinator_mentor_history({me}, md5('mentor 77')::uuid)"
_PAUSE: LiteralString = (
    f"select * from update_mentor_status(md5('mentor 77')::uuid, {_HLF}, 'paused', 'on_leave',"
    " p_dry_run => true)"
)
_WARN: LiteralString = f"select write_warnings({_HLF}, current_date, 1000000)"
_WARNED: LiteralString = f"{_WARN}; analyze warnings, messages"
_FIRST: LiteralString = (
    "; update messages set due_at = due_at - interval '1 hour' where person_id = md5('{}')::uuid"
)
_DIGEST: LiteralString = f"select * from begin_digest({_HLF}, gen_random_uuid())"
_OLD_MESSAGES: LiteralString = (
    "; insert into messages (org_id, audience, person_id, kind, mentor_ids)"
    f" select {_HLF}, 'coordinator', {{me}}, 'warning', array[{{me}}]"
    " from generate_series(1, 5000); analyze messages"
)
_UNREACHABLE: LiteralString = f"select * from list_unreachable_mentors({_HLF}, "
_UNWARNED: LiteralString = (
    f"select * from list_paused_unwarned({_HLF}, current_date, {{place}}, 1000)"
)
_NIGHT: LiteralString = (
    "insert into scheduler_execution_log"
    " (job_name, job_run_id, org_id, trigger, triggered_by, as_of, status)"
    f" values ('certification_expiry', md5('night')::uuid, {_HLF}, 'schedule', 'rule',"
    " current_date, 'running')"
)
_CHANGES = ("notify_coordinators_page", "write_warnings", "begin_digest", "settle_messages")
"""Functions that change something: a second call costs less than the first one."""
QUESTIONS = (
    Question("stale", f"select count_stale_active_mentors({_HLF}, current_date)", 25_000),
    Question(
        "stale, half", f"select count_stale_active_mentors({_HLF}, current_date + 450)", 25_000
    ),
    Question("uncertified", f"select count_active_uncertified({_HLF})", 25_000),
    Question("expired, nobody", _LIST + "current_date, null, 500)", 25_000),
    Question("expired, half", _LIST + "current_date + 450, {place}, 500)", 150),
    Question("expired, all", _LIST + "current_date + 1000, {place}, 500)", 100),
    Question("coordinator of all, by assignment", _PAGE, 1_200, "everybody"),
    Question("coordinator of all, by chapter", _PAGE, 3_000, "chapters"),
    Question("coordinator of a hundred", _PAGE, 1_200, "coordinator 7"),
    Question("policy, of all by assignment", _ROWS, 20_000, "everybody"),
    Question("policy, of all by chapter", _ROWS, 200, "chapters"),
    Question("policy, administrator", _ROWS, 200, "admin"),
    Question("certifications of one", _CERTIFICATIONS, 100, "everybody"),
    Question("history of one", _HISTORY, 150, "everybody"),
    Question("one paused by a coordinator", _PAUSE, 400, "everybody"),
    Question("unsynced, nobody", _UNSYNCED + "null, 500)", 20_000),
    Question("unsynced, a thousand", _UNSYNCED + "{place}, 500)", 2_500, before=_CHANGED),
    Question(
        "unsynced since the run",
        "select count_unsynced_since_run(md5('hlf_sync 0')::uuid)",
        40_000,
    ),
    Question("freshness", _FRESHNESS, 1_000),
    Question("log", f"select * from list_executions({_HLF}, 50)", 100),
    Question("running", f"select * from list_running_executions({_HLF}, 60, 50)", 1_000),
    Question("outcomes of 500", _OUTCOMES, 20_000),
    Question("notifications of 10,000", _NOTIFY, 750_000, before=_KNOWN),
    Question("warnings, first night", _WARN, 6_000_000, most_seconds=LONG),
    Question(
        "warnings, a usual night",
        f"select write_warnings({_HLF}, current_date + 1)",
        1_000_000,
        before=_WARNED,
    ),
    Question("a digest among 100,000", _DIGEST, 3_000, before=_WARNED),
    Question(
        "digest of all",
        _DIGEST,
        5_000_000,
        before=_WARNED + _FIRST.format("everybody"),
        most_seconds=LONG,
    ),
    Question(
        "messages that wait", f"select * from settle_messages({_HLF})", 20_000, before=_WARNED
    ),
    Question(
        "figures of messages", f"select * from get_message_figures({_HLF})", 40_000, before=_WARNED
    ),
    Question("undelivered", f"select * from list_messages({_HLF}, true)", 10_000, before=_WARNED),
    Question(
        "messages of one who has 5,000",
        "select * from list_my_messages()",
        200,
        "coordinator 7",
        _WARNED + _OLD_MESSAGES,
    ),
    Question("unreachable, of 5,000", _UNREACHABLE + "null, 100)", 150_000, "five thousand"),
    Question("unreachable, administrator", _UNREACHABLE + "{place}, 100)", 25_000, "admin"),
    Question("unreachable, of all", _UNREACHABLE + "{place}, 100)", 250_000, "everybody"),
    Question("paused without a warning", _UNWARNED, 20_000, before=_NIGHT),
)
"""Every question that the night, the monitor and the app ask about many rows."""


def load(url: str, mentors: int) -> None:
    """Fill a migrated database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select set_config('plans.mentors', %s, false)", (str(mentors),))
        connection.execute(_ROSTER.read_bytes())
        connection.execute("vacuum analyze")


def ask(connection: psycopg.Connection, question: Question) -> list[Answer]:
    """Ask a question at each of its places; a change is rolled back."""
    return [_ask_at(connection, question, place) for place in question.places]


def _ask_at(connection: psycopg.Connection, question: Question, place: str) -> Answer:
    me = sql.SQL("md5({})::uuid").format(question.person or "")
    named = {"me": me, "place": sql.SQL("{}::uuid").format(sql.SQL(question.places[place]))}
    with connection.transaction(force_rollback=True):
        connection.execute(sql.SQL(question.before).format(**named))
        if question.person is not None:
            connection.execute(
                sql.SQL(
                    "select set_config('request.jwt.claims',"
                    " json_build_object('sub', {me})::text, true),"
                    " set_config('role', 'authenticated', true)"
                ).format(**named)
            )
        explain = sql.SQL("explain (analyze, buffers, timing off, format json) ")
        answers = [
            connection.execute(explain + sql.SQL(question.query).format(**named)).fetchone()
            for _ in range(1 if any(name in question.query for name in _CHANGES) else 2)
        ]
    plans = [answer[0][0] for answer in answers if answer is not None]
    top = plans[-1]["Plan"]
    return Answer(
        question,
        place,
        min(plan["Execution Time"] for plan in plans) / 1000,
        top["Shared Hit Blocks"] + top["Shared Read Blocks"],
        round(top["Actual Rows"]),
    )


@dataclass(slots=True)
class Report:
    """Collects the answers, and what is wrong with them."""

    table: Table = field(default_factory=lambda: Table(title="What the database is asked"))
    mistakes: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        """Name the columns."""
        for title in ("question", "page", "seconds", "blocks", "at most", "rows"):
            self.table.add_column(
                title, justify="left" if title in {"question", "page"} else "right"
            )

    def add(self, answers: Sequence[Answer]) -> None:
        """Add the answers to one question."""
        for answer in answers:
            self.table.add_row(
                answer.question.title, answer.place, f"{answer.seconds:.3f}",
                f"{answer.blocks:,}", f"{answer.question.most_blocks:,}", f"{answer.rows:,}",
            )  # fmt: skip
            if answer.mistake is not None:
                self.mistakes.append(f"{answer.question.title}, {answer.place}: {answer.mistake}")
        first = answers[0]
        self.mistakes += [
            f"{later.question.title}: the page at the {later.place} reads {later.blocks:,} blocks,"
            f" the first one {first.blocks:,}"
            for later in answers[1:]
            if later.blocks > 2 * first.blocks + 100
        ]


def main() -> int:
    """Build the database, ask everything, and return 1 if a bound is exceeded."""
    console, report, began = Console(width=120), Report(), time.monotonic()
    with scratch_database() as url:
        load(url, MENTORS)
        console.print(f"loaded {MENTORS:,} mentors in {time.monotonic() - began:.0f} s")
        with psycopg.connect(url, autocommit=True) as connection:
            for question in QUESTIONS:
                report.add(ask(connection, question))
                connection.execute("vacuum messages, warnings, digests")  # what was rolled back
    console.print(report.table)
    console.print(f"{time.monotonic() - began:.0f} s in all")
    for mistake in report.mistakes:
        sys.stderr.write(f"{mistake}\n")
    return 1 if report.mistakes else 0


if __name__ == "__main__":
    sys.exit(run_command(main))
