"""Checks, without changing anything, whether the portal is as the mapping says (H2).

Each finding tells an administrator of Dynamics what HLF has to change, and where. Without these
checks, such a mistake would show only in the sync: no renewal ever, a difference that stays, or
HTTP 400 for every mentor.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mentor_pause.errors import PortalError, TransientError
from mentor_pause.portal import Finding, kinds
from mentor_pause.portal.definitions import Column, Definitions, Mismatch, Table, similar
from mentor_pause.portal.mapping import CertificationMapping, Mapping, MentorMapping
from mentor_pause.portal.requests import Requests
from mentor_pause.portal.rights import Rights

type _Columns = dict[str, Column]

CREDENTIALS = "credentials"
"""The subject of the first finding; if it has a problem, no other check is possible."""

_ADDRESS = re.compile(r"https?://\S+")


def check(requests: Requests, mapping: Mapping) -> list[Finding]:
    """Return one finding for each check, in the order in which HLF would correct problems."""
    rights = Rights(requests)
    credentials = _finding(CREDENTIALS, rights.log_in)
    if credentials.problem:
        return [credentials]
    checks = _Checks(Definitions(requests), rights)
    return [
        credentials,
        *checks.of_mentors(mapping.mentors),
        *checks.of_certifications(mapping.certifications),
    ]


@dataclass(frozen=True, slots=True)
class _Checks:
    """The checks of one portal; an answer that makes no sense becomes a finding, too."""

    definitions: Definitions
    rights: Rights

    def of_mentors(self, names: MentorMapping) -> Iterator[Finding]:
        due: dict[str, kinds.Kind] = {names.key: kinds.text, names.status: kinds.choice}
        if names.reason:
            due[names.reason] = kinds.choice if names.reason_values else kinds.reason
        if names.effective_on:
            due[names.effective_on] = kinds.day
        written = {names.status, names.reason, names.effective_on}
        return self._table(
            names.entity_set, due, written, lambda t, c: self._only_mentors(names, t, c)
        )

    def of_certifications(self, names: CertificationMapping) -> Iterator[Finding]:
        due: dict[str, kinds.Kind] = {
            names.id: kinds.primary_id, names.mentor_key: kinds.text, names.expires_on: kinds.day,
            "modifiedon": kinds.anything,
        }  # fmt: skip
        return self._table(names.entity_set, due, set(), _nothing)

    def _table(
        self,
        entity_set: str,
        due: dict[str, kinds.Kind],
        written: set[str | None],
        more: Callable[[Table, _Columns], Iterator[Finding]],
    ) -> Iterator[Finding]:
        """Check a table: its columns of the `due` kinds, then `more`, then the privileges."""
        tables: list[Table] = []
        finding = _finding(
            f"table {entity_set}", lambda: tables.append(self.definitions.table(entity_set))
        )
        yield finding
        for table in tables:
            columns: _Columns = {}
            finding = _finding(
                f"columns of {table.name}",
                lambda t=table, c=columns: c.update(self.definitions.columns(t)),
            )
            if finding.problem:
                yield finding
            else:
                for name, kind in due.items():
                    yield self._column(table, columns, name, kind, written=name in written)
                yield from more(table, columns)
            for privilege in ("prvRead", "prvWrite") if written else ("prvRead",):
                yield self._privilege(f"{privilege}{table.schema_name}")

    def _column(
        self, table: Table, columns: _Columns, name: str, kind: kinds.Kind, *, written: bool
    ) -> Finding:
        def check_it() -> None:
            column = columns.get(name)
            if column is None:
                raise Mismatch(
                    f"the table has no such column{similar(name, columns)}: HLF has to add it, or "
                    f"the mapping has to name another ({table.place} > Columns)"
                )
            kind(self.definitions, table, column)
            if written and not column.is_writable:
                raise Mismatch(
                    "nobody can write it, since the portal calculates it: HLF has to make it a "
                    f"simple column ({table.place} > Columns > {name} > Data type)"
                )
            self.rights.assert_open(column, written=written)

        return _finding(f"column {table.name}.{name}", check_it)

    def _only_mentors(
        self, names: MentorMapping, table: Table, columns: _Columns
    ) -> Iterator[Finding]:
        """Check what only the table of mentors has: its key, choices and states."""
        yield self._key(table, names.key)
        choices = {names.status: set(names.status_values.values())}
        if names.reason and names.reason_values:
            choices[names.reason] = set(names.reason_values.values())
        for column, values in choices.items():
            if column in columns and columns[column].kind == "Picklist":
                yield self._choices(table, column, values)
        if names.states:
            yield self._states(table, {(s.statecode, s.statuscode) for s in names.states.values()})

    def _key(self, table: Table, column: str) -> Finding:
        place = f"{table.place} > Keys"

        def check_it() -> None:
            keys = self.definitions.keys(table)
            states = [state for columns, state in keys if columns == [column]]
            if "Active" in states:
                return
            if "Failed" in states:
                raise Mismatch(
                    "the key's index could not be built: two rows have the same key, or one "
                    f"is too long; HLF has to correct them and activate the key again ({place})"
                )
            if states:
                raise Mismatch(
                    f"the key's index is not active yet ({states[0]}): HLF has to wait until it "
                    f"is built ({place})"
                )
            wider = next((columns for columns, _ in keys if column in columns), None)
            why = f"; the key on {', '.join(wider)} is not enough" if wider else ""
            raise Mismatch(
                f"HLF has to define an alternate key on this column alone ({place}){why}"
            )

        return _finding(f"alternate key {table.name}.{column}", check_it)

    def _choices(self, table: Table, column: str, wanted: set[int]) -> Finding:
        def check_it() -> None:
            options = self.definitions.options(table, column, "Picklist")
            there = {option["Value"] for option in options}
            if missing := ", ".join(map(str, sorted(wanted - there))):
                raise Mismatch(
                    f"the column has no choice with the value {missing}: HLF has to add it, or the "
                    f"mapping has to name another ({table.place} > Columns > {column} > Choices)"
                )

        return _finding(f"choices of {table.name}.{column}", check_it)

    def _states(self, table: Table, wanted: set[tuple[int, int]]) -> Finding:
        def check_it() -> None:
            options = self.definitions.options(table, "statuscode", "Status")
            there = {(option["State"], option["Value"]) for option in options}
            missing = sorted(wanted - there)
            if said := ", ".join(f"{code} in state {state}" for state, code in missing):
                raise Mismatch(
                    f"the table has no status code {said}: HLF has to add it, or the mapping has "
                    f"to name another ({table.place} > Columns > statuscode > Choices)"
                )

        return _finding(f"states of {table.name}", check_it)

    def _privilege(self, name: str) -> Finding:
        return _finding(f"privilege {name}", lambda: self.rights.assert_reaches_all(name))


def _nothing(table: Table, columns: _Columns) -> Iterator[Finding]:  # noqa: ARG001 - as `_only_mentors`
    return iter(())


def _finding(what: str, check_it: Callable[[], None]) -> Finding:
    """Make one check, and put any failure into words."""
    try:
        check_it()
    except Mismatch as error:
        return Finding(what, str(error))
    except PortalError as error:
        # The portal's message may hold the address of the request, and with it a mentor's key.
        vendor_message = _ADDRESS.sub("(an address)", error.vendor_message)
        return Finding(what, f"{error}{': ' if vendor_message else ''}{vendor_message}")
    except TransientError as error:
        return Finding(what, str(error))
    except (KeyError, TypeError, IndexError, AttributeError, ValueError):
        return Finding(what, "the portal's answer makes no sense to us")
    return Finding(what, None)
