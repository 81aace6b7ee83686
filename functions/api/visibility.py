"""What a caller may see of a run, by their role (S4)."""

from typing import Literal

from api.authentication import MACHINE, Caller
from api.models import Approval
from mentor_pause.database.client import Execution, MemberRole
from mentor_pause.database.plan_results import Plan
from mentor_pause.domain.error_reasons import cut, without_ids
from mentor_pause.domain.run_starts import MAX_ERROR_LENGTH

type Role = MemberRole | Literal["machine"]

_NOT_BY_A_PERSON = ("schedule", "event, ", "database, ")
"""`triggered_by` starts with one of these when no person triggered the run."""


def visible_row(caller: Caller, role: Role, row: Execution) -> dict[str, object]:
    """Return a row without the ids that row-level security hides from a coordinator."""
    visible: dict[str, object] = {
        **row.model_dump(),
        "triggered_by": visible_name(caller, role, row.triggered_by),
        "approval": visible_approval(caller, role, row),
    }
    if row.error is not None:
        error = without_ids(row.error) if role == "coordinator" else row.error
        visible["error"] = cut(error, MAX_ERROR_LENGTH)
    return visible


def visible_name(caller: Caller, role: Role, name: str) -> str:
    """Return who triggered or approved something; a coordinator sees no other person's id."""
    may_see_name = name in (caller.name, MACHINE.name) or name.startswith(_NOT_BY_A_PERSON)
    return name if may_see_name or role != "coordinator" else "a person"


def visible_approval(caller: Caller, role: Role, of: Execution | Plan) -> Approval | None:
    """Return who approved a plan; the note is for administrators. None: nobody has."""
    if of.approved_by is None or of.approved_at is None:
        return None
    return Approval(
        approved_by=visible_name(caller, role, of.approved_by),
        approved_at=of.approved_at,
        note=of.approval_note if role == "admin" else None,
    )
