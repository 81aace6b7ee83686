"""Products that are broken on purpose, so that the year can show that it notices.

A change names no function, because a rule may move to another one.
"""

import re
from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg import sql

_DEFINITIONS = """
    select pg_get_functiondef(p.oid) from pg_proc as p
    where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
        and p.prokind = 'f' and p.prosrc ~ %s
"""


@dataclass(frozen=True)
class Broken:
    """A part of the database's functions that is replaced wherever they have it."""

    pattern: str
    """For Python and PostgreSQL alike."""
    by: str
    also: LiteralString = "select"
    """A statement of its own."""

    def __call__(self, db: psycopg.Connection) -> None:
        """Replace the functions in this database."""
        found = db.execute(_DEFINITIONS, (self.pattern,)).fetchall()
        assert found, f"no function says: {self.pattern}"
        for (definition,) in found:
            text = re.sub(self.pattern, self.by, definition)
            db.execute(sql.SQL(text))  # pyright: ignore[reportArgumentType] - the product's text
        db.execute(self.also)


a_stage_twice = Broken(
    r"w\.stage <= \w\.stage", "false", "alter table public.warnings drop constraint warnings_pkey"
)
"""Nothing keeps a mentor from being warned every night."""

a_warning_after_a_renewal = Broken(r"later\.expires_on > \w\.expires_on", "false")
"""A certification is warned of although the mentor has a later one."""

a_mail_after_a_renewal = Broken(r"w\.expires_on = latest\.expires_on", "true")
"""A message that waits is sent although the date of which it warns no longer counts."""

a_later_stage_skipped = Broken(r"w\.stage <= \w\.stage", "true")
"""A mentor who was warned of a date once is not warned of it again."""

two_mails_a_day = Broken(
    r"d\.person_id = p_person_id and d\.day = v_today",
    "false",
    "drop index public.digests_person_day_idx",
)
"""A person gets another digest as soon as there is another message."""

a_late_warning_counts = Broken(r"warned_on <= p_as_of - 14", "warned_on <= p_as_of - 7")
"""A pause counts as forewarned although the first warning came a week before."""


def a_burst(db: psycopg.Connection) -> None:
    """A run makes up for each missed night before it, one after the other."""
    db.execute("alter function public.write_warnings rename to write_warnings_of_a_day")
    db.execute(
        """
        create function public.write_warnings(
            p_org_id uuid, p_as_of date, p_limit integer default 100000
        )
        returns bigint language sql security definer as $$
            select sum(public.write_warnings_of_a_day(p_org_id, d::date, p_limit))::bigint
            from generate_series(
                coalesce(
                    (
                        select max(l.as_of) + 1 from public.scheduler_execution_log as l
                        where l.as_of < p_as_of
                    ),
                    p_as_of
                ),
                p_as_of, '1 day'
            ) as d
        $$
        """
    )
