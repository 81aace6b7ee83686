"""Calls of `update_mentor_status` that tests share."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from support.roster import ORG, TODAY

RUN = uuid4()
FAR_OFF = date(2099, 1, 1)


def change(connection: psycopg.Connection, mentor: UUID, **arguments: object) -> dict[str, Any]:
    """Call the function as the job does; `arguments` replace the job's arguments."""
    named = {
        "p_mentor_id": mentor,
        "p_org_id": ORG,
        "p_status": "paused",
        "p_reason": "certification_expired",
        "p_job_run_id": RUN,
        "p_as_of": TODAY,
        "p_expected_version": None,
    } | arguments
    call = sql.SQL("select * from update_mentor_status({})").format(
        sql.SQL(", ").join(
            sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name))
            for name in named
        )
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        (row,) = cursor.execute(call, named).fetchall()
    return row


def by_hand(
    connection: psycopg.Connection, mentor: UUID, status: str, reason: str = "on_leave"
) -> dict[str, Any]:
    """Change a status outside any job."""
    return change(
        connection, mentor, p_status=status, p_reason=reason, p_job_run_id=None, p_as_of=None
    )
