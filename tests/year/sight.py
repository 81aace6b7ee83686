"""Reads the database in the oracle's names."""

from collections.abc import Iterable, Mapping
from typing import Any, LiteralString
from uuid import NAMESPACE_URL, UUID, uuid5

from support.roster import Roster
from year.records import HistoryRow, LogRow, by_mentor

_HISTORY: LiteralString = "select * from peer_mentor_status_history where id > %s order by id"
_LOG: LiteralString = "select * from scheduler_execution_log where id > %s order by id"
_TURNED_AWAY = ("duplicate", "failed", "refused")


class Sight:
    """Reads the tables; names stand for ids, and are drawn into them by the seed."""

    def __init__(self, roster: Roster, seed: int) -> None:
        """The seed decides the order of the ids, and with it the pages."""
        self._roster, self._seed = roster, seed
        self._names: dict[UUID, str] = {}
        self._runs: dict[str, UUID] = {}
        self._labels: dict[UUID, str] = {}
        self._seen = (0, 0)

    def id_of(self, name: str) -> UUID:
        """Return the id of a mentor or certification."""
        found = uuid5(NAMESPACE_URL, f"{self._seed} {name}")
        self._names[found] = name
        return found

    def name(self, id_: UUID | str) -> str:
        """Return what has this id."""
        return self._names.get(UUID(str(id_)), str(id_))

    def names(self, ids: Iterable[str]) -> list[str]:
        """Return the names, sorted."""
        return sorted(map(self.name, ids))

    def remember(self, run: str, job_run_id: str) -> None:
        """Note which id a run has."""
        self._runs[run] = UUID(job_run_id)
        self._labels[UUID(job_run_id)] = run

    def job_run_id(self, run: str) -> UUID:
        """Return a run's id."""
        return self._runs[run]

    def _run(self, job_run_id: UUID | None) -> str | None:
        return job_run_id and self._labels.get(job_run_id, str(job_run_id))

    def chapter_of(self, mentor: str) -> UUID:
        """Return a mentor's chapter."""
        query = "select chapter_id from peer_mentors where id = %s"
        (row,) = self._roster.rows(query, self.id_of(mentor))
        return row["chapter_id"]

    def status_of_run(self, run: str) -> str:
        """Return the status of a run's first row in the execution log."""
        query = "select status from scheduler_execution_log where job_run_id = %s order by id"
        return self._roster.rows(query, self.job_run_id(run))[0]["status"]

    def state(self) -> dict[str, Mapping[Any, Any]]:
        """Return all that there is, by section."""
        rows = self._roster.rows
        return {
            "mentor": {
                self.name(row["id"]): (row["status"], row["version"])
                for row in rows("select id, status, version from peer_mentors")
            },
            "certification": {
                self.name(row["portal_id"] or row["id"]): (
                    self.name(row["mentor_id"]),
                    row["expires_on"],
                )
                for row in rows("select * from certifications")
            },
            "history": by_mentor(map(self._history_row, self._new(_HISTORY, 0))),
            "log": dict(enumerate(map(self._log_row, self._new(_LOG, 1)))),
        }

    def _new(self, query: LiteralString, which: int) -> list[dict[str, Any]]:
        return self._roster.rows(query, self._seen[which])

    def settle(self, *, again: bool = False) -> None:
        """Leave the present rows out of later states; `again`: show all rows again."""
        self._seen = (0, 0) if again else (self._last(_HISTORY, 0), self._last(_LOG, 1))

    def _last(self, query: LiteralString, which: int) -> int:
        return max((row["id"] for row in self._new(query, which)), default=self._seen[which])

    def _history_row(self, row: Mapping[str, Any]) -> HistoryRow:
        return HistoryRow(
            self.name(row["mentor_id"]),
            row["previous_status"],
            row["new_status"],
            row["reason"],
            row["certification_expiry_date"],
            self._run(row["job_run_id"]),
            row["changed_by_role"],
            row["changed_at"],
        )

    def _log_row(self, row: Mapping[str, Any]) -> LogRow:
        run, status = str(self._run(row["job_run_id"])), row["status"]
        if status in _TURNED_AWAY:
            return LogRow(run, status, row["dry_run"])
        counts = (
            row["processed_count"], row["paused_count"], row["skipped_count"], row["error_count"],
        )  # fmt: skip
        is_expiry = row["job_name"] == "certification_expiry"
        return LogRow(run, status, row["dry_run"], row["as_of"], counts if is_expiry else None)
