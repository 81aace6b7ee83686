"""The stand-in's answers about its tables and about the rights of our application user.

Source: Microsoft's documentation of the Dataverse Web API ("Query table definitions",
"AttributeMetadata", "RetrieveUserPrivileges", "RetrievePrincipalAttributePrivileges").
"""

import re

from local.portal_columns import OF_EVERY_TABLE, Column, Row, Table
from local.portal_manners import Refusal
from local.portal_tables import Portal

USER = "00000000-0000-0000-0000-00000000a11c"
_UNIT = "00000000-0000-0000-0000-0000000000b0"
_FUNCTION = f"systemusers({USER})/Microsoft.Dynamics.CRM."
_TABLE = re.compile(r"EntityDefinitions\(LogicalName='(\w+)'\)/(Attributes|Keys)(.*)")
_COLUMN = re.compile(r"\(LogicalName='(\w+)'\)/Microsoft\.Dynamics\.CRM\.(\w+)AttributeMetadata")
_ALLOWED, _NOT_ALLOWED = 4, 0
_OF_ALL_KINDS = ("LogicalName", "AttributeType", "IsSecured", "MetadataId", "IsValidForUpdate")


def answer(portal: Portal, path: str, options: dict[str, str]) -> Row | None:
    """Answer a request about users, units or definitions; None: the path is something else."""
    fixed = {
        "WhoAmI": lambda: {"UserId": USER, "BusinessUnitId": _UNIT},
        f"{_FUNCTION}RetrieveUserPrivileges()": lambda: _privileges(portal),
        f"{_FUNCTION}RetrievePrincipalAttributePrivileges()": lambda: _column_rights(portal),
        f"systemusers({USER})": lambda: {"_businessunitid_value": _UNIT},
        f"businessunits({_UNIT})": lambda: {"_parentbusinessunitid_value": portal.parent_unit},
        "EntityDefinitions": lambda: _tables(portal, options),
    }
    if path in fixed:
        return fixed[path]()
    if (found := _TABLE.fullmatch(path)) is None:
        return None
    table = next((t for t in portal.tables if t.name == found[1]), None)
    if table is None:
        raise Refusal(404, "0x80060888", "There is no such table.")
    return _keys(portal, table) if found[2] == "Keys" else _columns(table, found[3], options)


def _privileges(portal: Portal) -> Row:
    return {
        "RolePrivileges": [
            {"PrivilegeName": name, "Depth": depth, "BusinessUnitId": _UNIT}
            for name in sorted(portal.privileges)
            for depth in portal.depths.get(name, [portal.depth])
        ]
    }


def _column_rights(portal: Portal) -> Row:
    if not portal.answers_column_security:
        raise Refusal(403, "0x80040220", "Principal user is missing prvReadUser privilege.")
    secured = [c for table in portal.tables for c in table.columns.values() if c.secured]
    return {
        "AttributePrivileges": [
            {
                "AttributeId": column.id,
                "CanCreate": _NOT_ALLOWED,
                "CanRead": _ALLOWED if "read" in column.granted else _NOT_ALLOWED,
                "CanUpdate": _ALLOWED if "update" in column.granted else _NOT_ALLOWED,
            }
            for column in secured
            if column.granted  # Dataverse lists no column without a profile
        ]
    }


def _tables(portal: Portal, options: dict[str, str]) -> Row:
    every = [
        {
            "LogicalName": table.name,
            "SchemaName": table.name,
            "EntitySetName": table.entity_set,
            "PrimaryIdAttribute": table.id,
        }
        for table in portal.tables
    ]
    column, _, value = options.get("$filter", "").partition(" eq ")
    wanted = [row for row in every if not column or row[column] == value.strip("'")]
    return {"value": [_selected(row, options) for row in wanted]}


def _keys(portal: Portal, table: Table) -> Row:
    if table.key is None:
        return {"value": []}
    columns = [table.key, *table.key_with]
    return {"value": [{"KeyAttributes": columns, "EntityKeyIndexStatus": portal.key_index}]}


def _columns(table: Table, of: str, options: dict[str, str]) -> Row:
    columns = OF_EVERY_TABLE | {table.id: Column("Uniqueidentifier")} | table.columns
    if not of:
        return {"value": [_selected(_described(n, c), options) for n, c in sorted(columns.items())]}
    found = _COLUMN.fullmatch(of)
    if found is None or (column := columns.get(found[1])) is None or column.kind != found[2]:
        raise Refusal(404, "0x80060888", "There is no such column of that kind.")
    if column.kind == "Status":
        states = sorted(table.states)
        return {"OptionSet": {"Options": [{"State": s, "Value": v} for s, v in states]}}
    if column.kind == "Picklist":
        return {"OptionSet": {"Options": [{"Value": value} for value in sorted(column.choices)]}}
    return _selected(_described(found[1], column) | _of_kind(column), options)


def _described(name: str, column: Column) -> Row:
    values = (name, column.kind, column.secured, column.id, column.writable)
    return dict(zip(_OF_ALL_KINDS, values, strict=True))


def _of_kind(column: Column) -> Row:
    """Return the properties that only definitions of this kind of column have."""
    if column.kind == "DateTime":
        return {"Format": column.format, "DateTimeBehavior": {"Value": column.behavior}}
    return {"MaxLength": column.max_length}


def _selected(row: Row, options: dict[str, str]) -> Row:
    names = options["$select"].split(",")
    if unknown := set(names) - row.keys():
        raise Refusal(400, "0x80060888", f"Could not find a property named '{min(unknown)}'.")
    return {name: row[name] for name in names}
