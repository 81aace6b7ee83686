"""Looks, without changing anything, whether the portal is as the mapping says (H2).

Each finding is for an administrator of Dynamics: what HLF has to change, and where. What it looks
at is what would otherwise show only in the sync: no renewal ever, a difference that stays, or
HTTP 400 for every mentor.
"""

import re
from collections.abc import Callable, Iterator

from mentor_pause.errors import PortalError, TransientError
from mentor_pause.portal import Finding, kinds
from mentor_pause.portal.definitions import Column, Definitions, Mismatch, Table, similar
from mentor_pause.portal.mapping import CertificationMapping, Mapping, MentorMapping
from mentor_pause.portal.requests import Requests
from mentor_pause.portal.rights import Rights

type _Columns = dict[str, Column]

CREDENTIALS = "credentials"
"""The first finding; with a problem here, nothing else could be looked at."""

_ADDRESS = re.compile(r"https?://\S+")


def check(requests: Requests, mapping: Mapping) -> list[Finding]:
    """Return everything that was looked at, in the order in which HLF would mend it."""
    rights = Rights(requests)
    credentials = _finding(CREDENTIALS, rights.log_in)
    if credentials.problem:
        return [credentials]
    look = _Look(Definitions(requests), rights)
    return [
        credentials,
        *look.at_mentors(mapping.mentors),
        *look.at_certifications(mapping.certifications),
    ]


class _Look:
    """Each finding answers one question; an answer that makes no sense is a finding, too."""

    def __init__(self, definitions: Definitions, rights: Rights) -> None:
        self._definitions = definitions
        self._rights = rights

    def at_mentors(self, names: MentorMapping) -> Iterator[Finding]:
        due: dict[str, kinds.Kind] = {names.key: kinds.text, names.status: kinds.choice}
        if names.reason:
            due[names.reason] = kinds.choice if names.reason_values else kinds.reason
        if names.effective_on:
            due[names.effective_on] = kinds.day
        written = {names.status, names.reason, names.effective_on}
        return self._at(names.entity_set, due, written, lambda t, c: self._mentors(names, t, c))

    def at_certifications(self, names: CertificationMapping) -> Iterator[Finding]:
        due: dict[str, kinds.Kind] = {
            names.id: kinds.primary_id, names.mentor_key: kinds.text, names.expires_on: kinds.day,
            "modifiedon": kinds.whatever,
        }  # fmt: skip
        return self._at(names.entity_set, due, set(), _nothing)

    def _at(
        self,
        entity_set: str,
        due: dict[str, kinds.Kind],
        written: set[str | None],
        more: Callable[[Table, _Columns], Iterator[Finding]],
    ) -> Iterator[Finding]:
        """Look at a table: its columns of these kinds, whatever more, and the privileges."""
        tables: list[Table] = []
        found = _finding(
            f"table {entity_set}", lambda: tables.append(self._definitions.table(entity_set))
        )
        yield found
        for table in tables:
            columns: _Columns = {}
            asked = _finding(
                f"columns of {table.name}",
                lambda t=table, c=columns: c.update(self._definitions.columns(t)),
            )
            if asked.problem:
                yield asked
            else:
                for name, kind in due.items():
                    yield self._column(table, columns, name, kind, written=name in written)
                yield from more(table, columns)
            for privilege in ("prvRead", "prvWrite") if written else ("prvRead",):
                yield self._privilege(f"{privilege}{table.schema_name}")

    def _column(
        self, table: Table, columns: _Columns, name: str, kind: kinds.Kind, *, written: bool
    ) -> Finding:
        def look() -> None:
            column = columns.get(name)
            if column is None:
                raise Mismatch(
                    f"the table has no such column{similar(name, columns)}: HLF has to add it, or "
                    f"the mapping has to name another ({table.place} > Columns)"
                )
            kind(self._definitions, table, column)
            if written and not column.is_writable:
                raise Mismatch(
                    "nobody can write it, since the portal calculates it: HLF has to make it a "
                    f"simple column ({table.place} > Columns > {name} > Data type)"
                )
            self._rights.assert_open(column, written=written)

        return _finding(f"column {table.name}.{name}", look)

    def _mentors(self, names: MentorMapping, table: Table, columns: _Columns) -> Iterator[Finding]:
        """Look at what only the table of mentors has."""
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

        def look() -> None:
            keys = self._definitions.keys(table)
            states = [state for columns, state in keys if columns == [column]]
            if "Active" in states:
                return
            if "Failed" in states:
                raise Mismatch(
                    "the key's index could not be built: two rows have the same key, or one "
                    f"is too long; HLF has to mend them and activate the key again ({place})"
                )
            if states:
                raise Mismatch(
                    f"the key's index is not active yet ({states[0]}): HLF has to wait until it "
                    f"is built ({place})"
                )
            wider = next((columns for columns, _ in keys if column in columns), None)
            why = f"; the key on {', '.join(wider)} does not do" if wider else ""
            raise Mismatch(
                f"HLF has to define an alternate key on this column alone ({place}){why}"
            )

        return _finding(f"alternate key {table.name}.{column}", look)

    def _choices(self, table: Table, column: str, wanted: set[int]) -> Finding:
        def look() -> None:
            options = self._definitions.options(table, column, "Picklist")
            there = {option["Value"] for option in options}
            if missing := ", ".join(map(str, sorted(wanted - there))):
                raise Mismatch(
                    f"the column has no choice with the value {missing}: HLF has to add it, or the "
                    f"mapping has to name another ({table.place} > Columns > {column} > Choices)"
                )

        return _finding(f"choices of {table.name}.{column}", look)

    def _states(self, table: Table, wanted: set[tuple[int, int]]) -> Finding:
        def look() -> None:
            options = self._definitions.options(table, "statuscode", "Status")
            there = {(option["State"], option["Value"]) for option in options}
            missing = sorted(wanted - there)
            if said := ", ".join(f"{code} in state {state}" for state, code in missing):
                raise Mismatch(
                    f"the table has no status code {said}: HLF has to add it, or the mapping has "
                    f"to name another ({table.place} > Columns > statuscode > Choices)"
                )

        return _finding(f"states of {table.name}", look)

    def _privilege(self, name: str) -> Finding:
        return _finding(f"privilege {name}", lambda: self._rights.assert_reaches_all(name))


def _nothing(table: Table, columns: _Columns) -> Iterator[Finding]:  # noqa: ARG001 - as `_mentors`
    return iter(())


def _finding(what: str, look: Callable[[], None]) -> Finding:
    """Look, and put whatever goes wrong into words."""
    try:
        look()
    except Mismatch as error:
        return Finding(what, str(error))
    except PortalError as error:
        # The portal's own words may hold an address, and that what was asked.
        own_words = _ADDRESS.sub("(an address)", error.told)
        return Finding(what, f"{error}{': ' if own_words else ''}{own_words}")
    except TransientError as error:
        return Finding(what, str(error))
    except (KeyError, TypeError, IndexError, AttributeError, ValueError):
        return Finding(what, "the portal's answer makes no sense to us")
    return Finding(what, None)
