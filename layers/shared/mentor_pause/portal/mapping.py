"""The names in HLF's portal: one validated mapping (H2), with an example in docs/portal.md.

Names are those of the Dataverse Web API: an entity set is the plural in the address, a column has
its logical name, a choice value its number.
"""

import re
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from mentor_pause.domain.mentors import Status
from mentor_pause.errors import ConfigurationError

_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")


def _named(value: str) -> str:
    """Return a name of the Web API, or raise an error that suggests the name that may be meant.

    The error repeats nothing else of the value, which may be a secret that was pasted by mistake.
    """
    if _NAME.fullmatch(value):
        return value
    if value.startswith("_") and value.endswith("_value"):
        raise ValueError("is a lookup, which the sync cannot read; name a text column")
    is_address = "://" in value
    path = re.split(r"[?#(]", value.partition("://")[2] if is_address else value)[0]
    meant = path.rstrip("/").rpartition("/")[2].strip().lower()
    likely = _NAME.fullmatch(meant) and (not is_address or ("/" in path and "_" in meant))
    hint = f"; perhaps {meant}" if likely else ""
    raise ValueError(
        f"is an address; write the name at its end alone{hint}"
        if is_address
        else "is not a name of the Web API: it begins with a lower-case letter, and has only "
        f"lower-case letters, digits and underscores{hint}"
    )


type Name = Annotated[str, AfterValidator(_named)]
type Choice = Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]


def same(value: object, due: object) -> bool:
    """Whether the portal's value is the due one; `true` and 1.0 are not the choice 1."""
    return type(value) is type(due) and value == due


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class StateCodes(_Part):
    """Dataverse's own state of a row: an update of `statecode` must also set `statuscode`."""

    statecode: Choice
    statuscode: Choice


class MentorMapping(_Part):
    """The table of mentors."""

    entity_set: Name
    key: Name
    """The column of the alternate key by which a mentor is addressed."""
    status: Name
    status_values: dict[Status, Choice]
    states: dict[Status, StateCodes] = {}
    """The row's own state for each status, if the sync has to set it; all three, or none."""
    reason: Name | None = None
    reason_values: dict[str, Choice] | None = None
    """Choices by reason code, and `other` for all other codes; None: the column is text."""
    effective_on: Name | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        statuses = {"active", "paused", "inactive"}
        if self.status_values.keys() != statuses:
            raise ValueError("status_values needs active, paused and inactive")
        if len(set(self.status_values.values())) != len(statuses):
            raise ValueError("status_values gives two statuses the same value")
        if self.states and self.states.keys() != statuses:
            raise ValueError("states needs active, paused and inactive, or none of them")
        if self.reason_values is not None and "other" not in self.reason_values:
            raise ValueError("reason_values needs other")
        if self.reason_values is not None and self.reason is None:
            raise ValueError("reason_values needs reason, the column that they are for")
        return self

    @model_validator(mode="after")
    def _columns_are_apart(self) -> Self:
        used = [c for c in (self.key, self.status, self.reason, self.effective_on) if c]
        if len(set(used)) != len(used):
            raise ValueError("key, status, reason and effective_on are columns of their own")
        if {"statecode", "statuscode"}.intersection(used):
            raise ValueError("statecode and statuscode belong into states")
        return self

    def columns(self, status: Status, reason: str, effective_on: date) -> dict[str, object]:
        """Return the columns to write, without the key, which is in the address."""
        columns: dict[str, object] = {self.status: self.status_values[status]}
        if self.states:
            columns |= self.states[status].model_dump()
        if self.reason is not None:
            values = self.reason_values
            columns[self.reason] = reason if values is None else values.get(reason, values["other"])
        if self.effective_on is not None:
            columns[self.effective_on] = effective_on.isoformat()
        return columns

    @property
    def written(self) -> tuple[str, ...]:
        """The columns that `columns` writes."""
        return tuple(self.columns("active", "", date.min))

    def status_of(self, value: object) -> Status | None:
        """Return the status that a choice value stands for."""
        return next((s for s, choice in self.status_values.items() if same(value, choice)), None)


class CertificationMapping(_Part):
    """The table of certifications; it may be the same table as for mentors."""

    entity_set: Name
    id: Name
    """The column of the table's primary key."""
    mentor_key: Name
    """The column that holds the mentor's key."""
    expires_on: Name
    expires: Literal["on the day", "after the day"] = "on the day"
    """Whether the certification no longer counts on that day, or still counts."""


class Mapping(_Part):
    """The whole mapping."""

    mentors: MentorMapping
    certifications: CertificationMapping

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the JSON text of the setting.

        Raises:
            ConfigurationError: one sentence naming each field that is wrong.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            errors = error.errors(include_input=False, include_url=False)
            wrong = "; ".join(_sentence(e["loc"], e["type"], e["msg"]) for e in errors)
            raise ConfigurationError(f"the portal's mapping is not valid: {wrong}") from None


_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of the mapping",
    "string_type": "is not a text",
    "int_type": "is not a whole number",
    "greater_than_equal": "is less than 0",
    "less_than_equal": f"is more than {2**31 - 1}",
    "model_type": "is not a JSON object",
    "model_attributes_type": "is not a JSON object",
    "dict_type": "is not a JSON object",
}
"""Our words by pydantic's name of the error."""


def _sentence(where: tuple[int | str, ...], kind: str, message: str) -> str:
    name = ".".join(map(str, where))
    if kind == "value_error":
        between = ": " if len(where) == 1 else " "
        return f"{name}{between}{message.removeprefix('Value error, ')}"
    if kind == "json_invalid":
        return f"it is not JSON ({message.removeprefix('Invalid JSON: ')})"
    return f"{name or 'it'} {_WORDS[kind]}" if kind in _WORDS else f"{name or 'it'}: {message}"
