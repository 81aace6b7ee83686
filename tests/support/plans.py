"""The plans of a query and of the statements inside its functions, by auto_explain."""

import re

import psycopg
from psycopg import sql


class Plans:
    """Collects the plans of everything that a connection runs."""

    def __init__(self, db: psycopg.Connection) -> None:
        """Let the server send the plan of every statement, also within functions."""
        self._seen: list[str] = []
        db.add_notice_handler(lambda notice: self._seen.append(notice.message_primary or ""))
        db.execute("load 'auto_explain'")
        for setting in (
            "auto_explain.log_min_duration = 0",
            "auto_explain.log_nested_statements = on",
            "auto_explain.log_analyze = on",
            "client_min_messages = log",
        ):
            db.execute(sql.SQL("set ") + sql.SQL(setting))  # type: ignore[arg-type]

    def take(self) -> list[str]:
        """Return the plans since the last call."""
        found = [plan for plan in self._seen if "Query Text" in plan]
        self._seen.clear()
        return found


def most_rows(plan: str) -> int:
    """Return the rows that the busiest step of a plan has read, with the rows that it dropped."""
    passed = re.findall(r"rows=(\d+)(?:\.\d+)? loops=(\d+)\)", plan)
    dropped = re.findall(r"Rows Removed by [\w ]+: (\d+)", plan)
    return max(*(int(rows) * int(loops) for rows, loops in passed), *map(int, dropped), 0)
