"""Checks the rights of our application user, for the preflight (H2).

Source: Microsoft's documentation of the Dataverse Web API ("RetrieveUserPrivileges",
"RolePrivilege", "RetrievePrincipalAttributePrivileges", "AttributePrivilege").
"""

from dataclasses import dataclass
from typing import Any

from mentor_pause.errors import PortalError
from mentor_pause.portal.definitions import Column, Mismatch
from mentor_pause.portal.requests import Requests

_DEPTHS = ("RecordFilter", "Basic", "Local", "Deep", "Global")
"""How far a privilege reaches, the shortest first; any other depth is shorter still."""
_REACH = {
    "Basic": "only rows that our application user owns",
    "Local": "only rows of our application user's own business unit",
    "Deep": "only our application user's business unit and the units below it",
}
_ROLES = (
    "Power Platform admin center > Environments > Settings > Users + permissions > Security roles"
)
_PROFILES = (
    "Power Platform admin center > Environments > Settings > Users + permissions > "
    "Column security profiles"
)
_ALLOWED = 4


@dataclass(slots=True)
class Rights:
    """The rights of the logged-in user; every method may raise what `Requests.read` raises."""

    requests: Requests
    user: str = ""
    """The user's id, once `log_in` has succeeded."""

    def log_in(self) -> None:
        """Log in, and read the user's id."""
        self.user = str(self.requests.read("WhoAmI")["UserId"])

    def assert_reaches_all(self, privilege: str) -> None:
        """Raise `Mismatch` unless the user holds a privilege for the rows of all business units.

        The user's roles and teams add up, so the privilege with the widest reach counts.
        """
        depths = {
            str(row["Depth"])
            for row in self._function("RetrieveUserPrivileges")["RolePrivileges"]
            if str(row["PrivilegeName"]).casefold() == privilege.casefold()
        }
        if not depths:
            raise Mismatch(
                f"it is missing: HLF has to give it to a role of our application user, with the "
                f"access level Organization ({_ROLES})"
            )
        widest = max(depths, key=lambda depth: depth in _DEPTHS and 1 + _DEPTHS.index(depth))
        if widest == "Global" or (widest == "Deep" and self._is_in_root_unit()):
            return
        raise Mismatch(
            f"it reaches {_REACH.get(widest, 'only some rows')} ({widest}): HLF has to raise its "
            f"access level to Organization in a role of our application user ({_ROLES})"
        )

    def _is_in_root_unit(self) -> bool:
        """Whether the user's business unit is the root; False if the portal refuses to say."""
        try:
            user = self.requests.read(f"systemusers({self.user})?$select=_businessunitid_value")
            unit = user["_businessunitid_value"]
            parent = self.requests.read(
                f"businessunits({unit})?$select=_parentbusinessunitid_value"
            )
        except PortalError:
            return False
        return parent.get("_parentbusinessunitid_value", "unknown") is None

    def assert_open(self, column: Column, *, written: bool) -> None:
        """Raise `Mismatch` unless the user may read a column, and write it if it is `written`."""
        if not column.is_secured:
            return
        needed = {"CanRead": "read", "CanUpdate": "update"} if written else {"CanRead": "read"}
        try:
            rows = self._function("RetrievePrincipalAttributePrivileges")["AttributePrivileges"]
        except PortalError as error:
            raise Mismatch(
                f"it has column security, and the portal does not say what our application user "
                f"may do with it ({error}): HLF has to switch its column security off, or to give "
                f"a role of our application user the privilege prvReadUser, so that the check "
                f"can see its rights"
            ) from error
        held = [row for row in rows if str(row["AttributeId"]).casefold() == column.id.casefold()]
        lacking = [
            word for right, word in needed.items() if not any(r[right] == _ALLOWED for r in held)
        ]
        if lacking:
            raise Mismatch(
                f"it has column security, and our application user may not {' and '.join(lacking)}"
                f" it: HLF has to put our application user into a profile that allows this "
                f"({_PROFILES})"
            )

    def _function(self, name: str) -> dict[str, Any]:
        return self.requests.read(f"systemusers({self.user})/Microsoft.Dynamics.CRM.{name}()")
