"""Looks, without changing anything, whether the portal is as the mapping says.

Source: Microsoft's documentation of the Dataverse Web API ("Query table definitions", "WhoAmI",
"RetrieveUserPrivileges").
"""

from collections.abc import Callable
from typing import Any

from mentor_pause.errors import PortalError, TransientError
from mentor_pause.portal import Finding
from mentor_pause.portal.mapping import CertificationMapping, Mapping, MentorMapping
from mentor_pause.portal.requests import Requests

_CHOICE, _STATUS = "PicklistAttributeMetadata", "StatusAttributeMetadata"


def check(requests: Requests, mapping: Mapping) -> list[Finding]:
    """Return what was looked at, in the order in which HLF would mend it."""
    look = _Look(requests)
    credentials = look.at_credentials()
    if credentials.problem:
        return [credentials]
    return [
        credentials,
        *look.at_mentors(mapping.mentors),
        *look.at_certifications(mapping.certifications),
    ]


class _Look:
    """Each finding answers one question; an answer that makes no sense is a finding, too."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._who = ""

    def at_credentials(self) -> Finding:
        def look() -> str | None:
            self._who = str(self._requests.read("WhoAmI")["UserId"])
            return None

        return _finding("credentials", look)

    def at_mentors(self, names: MentorMapping) -> list[Finding]:
        found, table = self._table(names.entity_set)
        if found.problem:
            return [found]
        wanted = [c for c in (names.key, names.status, names.reason, names.effective_on) if c]
        findings = [
            found,
            *self._columns(table, wanted),
            self._key(table, names.key),
            self._choices(table, names.status, set(names.status_values.values())),
        ]
        if names.reason and names.reason_values:
            findings.append(self._choices(table, names.reason, set(names.reason_values.values())))
        if names.states:
            findings.append(
                self._states(table, {(s.statecode, s.statuscode) for s in names.states.values()})
            )
        return [*findings, self._privilege(table, "prvRead"), self._privilege(table, "prvWrite")]

    def at_certifications(self, names: CertificationMapping) -> list[Finding]:
        found, table = self._table(names.entity_set)
        if found.problem:
            return [found]
        wanted = [names.id, names.mentor_key, names.expires_on, "modifiedon"]
        return [found, *self._columns(table, wanted), self._privilege(table, "prvRead")]

    def _table(self, entity_set: str) -> tuple[Finding, dict[str, str]]:
        table: dict[str, str] = {}

        def look() -> str | None:
            rows = self._requests.read(
                "EntityDefinitions?$select=LogicalName,SchemaName"
                f"&$filter=EntitySetName eq '{entity_set}'"
            )["value"]
            if not rows:
                return "the portal has no table of that name (entity set)"
            table.update({name: str(rows[0][name]) for name in ("LogicalName", "SchemaName")})
            return None

        return _finding(f"table {entity_set}", look), table

    def _columns(self, table: dict[str, str], wanted: list[str]) -> list[Finding]:
        there: set[str] = set()

        def look() -> str | None:
            rows = self._requests.read(f"{_definition(table)}/Attributes?$select=LogicalName")
            there.update(row["LogicalName"] for row in rows["value"])
            return None

        name = table["LogicalName"]
        asked = _finding(f"columns of {name}", look)
        if asked.problem:
            return [asked]
        return [
            Finding(f"column {name}.{c}", None if c in there else "the table has no such column")
            for c in dict.fromkeys(wanted)
        ]

    def _key(self, table: dict[str, str], column: str) -> Finding:
        def look() -> str | None:
            rows = self._requests.read(
                f"{_definition(table)}/Keys?$select=LogicalName,KeyAttributes,EntityKeyIndexStatus"
            )["value"]
            states = [
                row.get("EntityKeyIndexStatus") for row in rows if row["KeyAttributes"] == [column]
            ]
            if not states:
                return "HLF has to define an alternate key on this column alone"
            return None if "Active" in states else "the key's index is not active yet"

        return _finding(f"alternate key {table['LogicalName']}.{column}", look)

    def _choices(self, table: dict[str, str], column: str, wanted: set[int]) -> Finding:
        def look() -> str | None:
            there = {option["Value"] for option in self._options(table, column, _CHOICE)}
            missing = ", ".join(map(str, sorted(wanted - there)))
            return f"the column has no choice with the value {missing}" if missing else None

        return _finding(f"choices of {table['LogicalName']}.{column}", look)

    def _states(self, table: dict[str, str], wanted: set[tuple[int, int]]) -> Finding:
        def look() -> str | None:
            options = self._options(table, "statuscode", _STATUS)
            there = {(option["State"], option["Value"]) for option in options}
            missing = ", ".join(
                f"{code} in state {state}" for state, code in sorted(wanted - there)
            )
            return f"the table has no status code {missing}" if missing else None

        return _finding(f"states of {table['LogicalName']}", look)

    def _options(self, table: dict[str, str], column: str, kind: str) -> list[dict[str, Any]]:
        body = self._requests.read(
            f"{_definition(table)}/Attributes(LogicalName='{column}')/Microsoft.Dynamics.CRM.{kind}"
            "?$select=LogicalName&$expand=OptionSet($select=Options),GlobalOptionSet($select=Options)"
        )
        return (body.get("OptionSet") or body["GlobalOptionSet"])["Options"]

    def _privilege(self, table: dict[str, str], privilege: str) -> Finding:
        name = f"{privilege}{table['SchemaName']}"

        def look() -> str | None:
            rows = self._requests.read(
                f"systemusers({self._who})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()"
            )["RolePrivileges"]
            depths = {
                row.get("Depth")
                for row in rows
                if str(row["PrivilegeName"]).lower() == name.lower()
            }
            if not depths:
                return "HLF has to give it to a role of our application user"
            return None if depths != {"Basic"} else "it reaches only rows that we own (Basic)"

        return _finding(f"privilege {name}", look)


def _definition(table: dict[str, str]) -> str:
    return f"EntityDefinitions(LogicalName='{table['LogicalName']}')"


def _finding(what: str, look: Callable[[], str | None]) -> Finding:
    """Look, and put whatever goes wrong into words."""
    try:
        return Finding(what, look())
    except PortalError as error:
        return Finding(what, f"{error}{': ' if error.told else ''}{error.told}")
    except TransientError as error:
        return Finding(what, str(error))
    except (KeyError, TypeError, IndexError, AttributeError):
        return Finding(what, "the portal's answer makes no sense to us")
