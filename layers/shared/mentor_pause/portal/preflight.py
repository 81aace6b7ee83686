"""Looks, without changing anything, whether the portal is as the mapping says.

Source: Microsoft's documentation of the Dataverse Web API ("Query table definitions", "WhoAmI",
"RetrieveUserPrivileges").
"""

from collections.abc import Callable
from typing import Any, cast

from mentor_pause.errors import PortalError, TransientError
from mentor_pause.portal import Finding
from mentor_pause.portal.mapping import CertificationMapping, Mapping, MentorMapping
from mentor_pause.portal.requests import Requests

_READ, _WRITE = "prvRead", "prvWrite"
_CHOICE = "Microsoft.Dynamics.CRM.PicklistAttributeMetadata"


def check(requests: Requests, mapping: Mapping) -> list[Finding]:
    """Return what was looked at, in the order in which HLF would mend it."""
    credentials, who = _credentials(requests)
    if credentials.problem:
        return [credentials]
    look = _Look(requests, who)
    return [credentials, *look.at_mentors(mapping.mentors), *look.at(mapping.certifications)]


def _credentials(requests: Requests) -> tuple[Finding, str]:
    try:
        who = str(requests.read("WhoAmI")["UserId"])
    except (PortalError, TransientError, KeyError) as error:
        return Finding("credentials", str(error)), ""
    return Finding("credentials", None), who


class _Look:
    def __init__(self, requests: Requests, who: str) -> None:
        self._requests = requests
        self._who = who

    def at_mentors(self, names: MentorMapping) -> list[Finding]:
        """Look at the table of mentors."""
        table, found = self._table(names.entity_set)
        if found.problem:
            return [found]
        wanted = [c for c in (names.key, names.status, names.reason, names.effective_on) if c]
        wanted += ["statecode", "statuscode"] if names.states else []
        return [
            found,
            *self._columns(table, wanted),
            self._key(table, names.key),
            self._choices(table, names.status, set(names.status_values.values())),
            *(
                [self._choices(table, names.reason, set(names.reason_values.values()))]
                if names.reason and names.reason_values
                else []
            ),
            self._privilege(table, _READ),
            self._privilege(table, _WRITE),
        ]

    def at(self, names: CertificationMapping) -> list[Finding]:
        """Look at the table of certifications."""
        table, found = self._table(names.entity_set)
        if found.problem:
            return [found]
        wanted = [names.id, names.mentor_key, names.expires_on, "modifiedon"]
        return [found, *self._columns(table, wanted), self._privilege(table, _READ)]

    def _table(self, entity_set: str) -> tuple[dict[str, Any], Finding]:
        rows = self._rows(
            "EntityDefinitions?$select=LogicalName,SchemaName"
            f"&$filter=EntitySetName eq '{entity_set}'"
        )
        what = f"table {entity_set}"
        if isinstance(rows, str):
            return {}, Finding(what, rows)
        if not rows:
            return {}, Finding(what, "the portal has no table of that name (entity set)")
        return rows[0], Finding(what, None)

    def _columns(self, table: dict[str, Any], wanted: list[str]) -> list[Finding]:
        name = table["LogicalName"]
        rows = self._rows(f"EntityDefinitions(LogicalName='{name}')/Attributes?$select=LogicalName")
        if isinstance(rows, str):
            return [Finding(f"columns of {name}", rows)]
        there = {row["LogicalName"] for row in rows}
        return [
            Finding(f"column {name}.{c}", None if c in there else "the table has no such column")
            for c in dict.fromkeys(wanted)
        ]

    def _key(self, table: dict[str, Any], column: str) -> Finding:
        name = table["LogicalName"]
        what = f"alternate key {name}.{column}"
        rows = self._rows(
            f"EntityDefinitions(LogicalName='{name}')/Keys"
            "?$select=LogicalName,KeyAttributes,EntityKeyIndexStatus"
        )
        if isinstance(rows, str):
            return Finding(what, rows)
        keys = [row for row in rows if row["KeyAttributes"] == [column]]
        if not keys:
            return Finding(what, "HLF has to define an alternate key on this column alone")
        if keys[0].get("EntityKeyIndexStatus") != "Active":
            return Finding(what, "the key is there, but its index is not active yet")
        return Finding(what, None)

    def _choices(self, table: dict[str, Any], column: str, wanted: set[int]) -> Finding:
        name = table["LogicalName"]
        what = f"choices of {name}.{column}"
        body = self._asked(
            lambda: self._requests.read(
                f"EntityDefinitions(LogicalName='{name}')/Attributes(LogicalName='{column}')"
                f"/{_CHOICE}?$select=LogicalName"
                "&$expand=OptionSet($select=Options),GlobalOptionSet($select=Options)"
            )
        )
        if isinstance(body, str):
            return Finding(what, body)
        options: dict[str, Any] = body.get("OptionSet") or body.get("GlobalOptionSet") or {}
        there = {option["Value"] for option in options.get("Options", [])}
        missing = sorted(wanted - there)
        problem = f"the column has no choice with the value {', '.join(map(str, missing))}"
        return Finding(what, problem if missing else None)

    def _privilege(self, table: dict[str, Any], privilege: str) -> Finding:
        name = f"{privilege}{table['SchemaName']}"
        what = f"privilege {name}"
        body = self._asked(
            lambda: self._requests.read(
                f"systemusers({self._who})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()"
            )
        )
        if isinstance(body, str):
            return Finding(what, body)
        held = {str(row.get("PrivilegeName")).lower() for row in body.get("RolePrivileges", [])}
        problem = "HLF has to give it to a role of our application user"
        return Finding(what, None if name.lower() in held else problem)

    def _rows(self, link: str) -> list[dict[str, Any]] | str:
        body = self._asked(lambda: self._requests.read(link))
        return body if isinstance(body, str) else cast("list[dict[str, Any]]", body["value"])

    def _asked(self, call: Callable[[], dict[str, Any]]) -> dict[str, Any] | str:
        """Return the answer, or why there is none."""
        try:
            return call()
        except (PortalError, TransientError) as error:
            return str(error)
